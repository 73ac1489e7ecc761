"""What every picture is drawn on: a phone's width, the Chinese font, lines that fit.

The font is Noto Sans SC (SIL Open Font License), from a package, so that every machine draws the
same signs.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache

import pylopdf_fonts_zh_cn as font
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

# Twice the narrowest phone's 360 points.
WIDTH = 720
MARGIN = 40
TALLEST = 4000
# Stands where the font has no sign of its own.
UNKNOWN = "〇"
CUT = "…"
LEADING = 1.35
# What a line is not broken inside of: a word, a number, a sign with what closes it.
_PART = re.compile(r"[A-Za-z0-9.,:/*-]+[ ，。）、·]*|.[，。）、·！？ ]*", re.DOTALL)

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
INK: Colour = (28, 32, 38)
SOFT: Colour = (88, 94, 104)
PALE: Colour = (222, 226, 232)
BLUE: Colour = (10, 84, 138)
GREEN: Colour = (20, 112, 70)
AMBER: Colour = (150, 84, 0)
GREY: Colour = (92, 96, 102)


@dataclass(frozen=True)
class Written:
    """A line of text in a picture and the pixels it takes: left, top, right, bottom."""

    text: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Drawing:
    """A picture as PNG, its size in pixels, and what is written in it."""

    png: bytes
    size: tuple[int, int]
    written: tuple[Written, ...]


@lru_cache(maxsize=1)
def _signs() -> frozenset[int]:
    with TTFont(font.sans_path(), lazy=True) as face:
        return frozenset(face.getBestCmap())


def printable(text: str) -> str:
    """Return the text with a stand-in for what the font does not have."""
    return "".join(sign if ord(sign) in _signs() else UNKNOWN for sign in text)


@lru_cache(maxsize=32)
def _face(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font.sans_path(), size)


def width_of(text: str, size: int) -> int:
    """Return how many pixels a text takes in a line."""
    return round(_face(size).getlength(text))


def wrapped(text: str, size: int, width: int, most: int) -> list[str]:
    """Cut a text into at most ``most`` lines of ``width`` pixels; what is left over ends in ….

    Words of Latin letters stay whole where they fit, and no line begins with a closing sign.
    """
    lines = [""]
    for part in _parts(text, size, width):
        if lines[-1] and width_of(lines[-1] + part.rstrip(), size) > width:
            lines[-1] = lines[-1].rstrip()
            if len(lines) == most:
                while lines[-1] and width_of(lines[-1] + CUT, size) > width:
                    lines[-1] = lines[-1][:-1]
                lines[-1] += CUT
                return lines
            lines.append("")
        lines[-1] += part
    return lines


def _parts(text: str, size: int, width: int) -> list[str]:
    parts: list[str] = []
    for part in _PART.findall(text):
        parts += [part] if width_of(part, size) <= width else list(part)
    return parts


class Canvas:
    """A picture under construction; what is drawn below the last line is cut off at the end."""

    def __init__(self, ground: Colour) -> None:
        """Begin an empty one."""
        self._image = Image.new("RGB", (WIDTH, TALLEST), ground)
        self.draw = ImageDraw.Draw(self._image)
        self._written: list[Written] = []

    def line(
        self, x: int, y: int, text: str, size: int, colour: Colour, *, right: bool = False
    ) -> int:
        """Write one line, its left or right end at ``x``; return the ``y`` below it."""
        shown = printable(text)
        left = x - width_of(shown, size) if right else x
        self.draw.text((left, y), shown, font=_face(size), fill=colour)
        box = self.draw.textbbox((left, y), shown, font=_face(size))
        self._written.append(
            Written(shown, (int(box[0]), int(box[1]), int(box[2] + 1), int(box[3] + 1)))
        )
        return y + round(size * LEADING)

    def block(
        self,
        x: int,
        y: int,
        text: str,
        size: int,
        colour: Colour,
        *,
        width: int,
        most: int = 2,
        smallest: int | None = None,
    ) -> int:
        """Write a text within ``width``: smaller first, then in several lines; return ``y`` below.

        Args:
            x: Left.
            y: Top.
            text: What.
            size: The letters' size at best, in pixels.
            colour: Of the letters.
            width: How wide it may be.
            most: How many lines it may take.
            smallest: How small the letters may become before lines are broken.
        """
        shown = printable(text)
        while smallest is not None and size > smallest and width_of(shown, size) > width:
            size -= 2
        for part in wrapped(shown, size, width, most):
            y = self.line(x, y, part, size, colour)
        return y

    def box(
        self, left: int, top: int, right: int, bottom: int, fill: Colour, radius: int = 0
    ) -> None:
        """Fill a rectangle with round corners."""
        self.draw.rounded_rectangle((left, top, right, bottom), radius, fill=fill)

    def done(self, height: int) -> Drawing:
        """Return the picture, ``height`` pixels high."""
        out = io.BytesIO()
        self._image.crop((0, 0, WIDTH, height)).save(out, "PNG", optimize=True)
        return Drawing(out.getvalue(), (WIDTH, height), tuple(self._written))
