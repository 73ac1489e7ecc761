"""What is left of each benefit as bars."""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.canvas import (
    AMBER,
    GREEN,
    INK,
    MARGIN,
    PALE,
    SOFT,
    WHITE,
    WIDTH,
    Canvas,
    Drawing,
    width_of,
)

THICK = 22
# Below this share the bar changes its colour too.
LITTLE = 0.2


@dataclass(frozen=True)
class Bar:
    """A benefit: its name, what is left in words, the rest of it, and the share left (0 to 1).

    ``share`` is ``None`` where there is nothing to show a share of.
    """

    name: str
    left: str
    detail: str
    share: float | None


@dataclass(frozen=True)
class Bars:
    """All that stands on the picture, in words."""

    title: str
    heading: str
    rows: tuple[Bar, ...]
    note: str

    @property
    def words(self) -> tuple[str, ...]:
        """All that is written on it, from top to bottom."""
        rows = [
            part for bar in self.rows for part in (f"{bar.name} {bar.left}".strip(), bar.detail)
        ]
        return tuple(part for part in (self.title, self.heading, *rows, self.note) if part)


def draw(bars: Bars) -> Drawing:
    """Draw the bars."""
    canvas, width = Canvas(WHITE), WIDTH - 2 * MARGIN
    y = canvas.block(MARGIN, 32, bars.title, 36, INK, width=width, smallest=28)
    y = canvas.block(MARGIN, y, bars.heading, 24, SOFT, width=width) + 20
    for bar in bars.rows:
        beside = width_of(bar.left, 30)
        canvas.line(WIDTH - MARGIN, y, bar.left, 30, INK, right=True)
        y = canvas.block(
            MARGIN, y, bar.name, 30, INK, width=width - beside - 24, smallest=24, most=1
        )
        if bar.share is not None:
            canvas.box(MARGIN, y + 4, MARGIN + width, y + 4 + THICK, PALE, THICK // 2)
            long = round(width * bar.share)
            # However little is left, it is to be seen; a bar is at least as long as it is thick.
            if bar.share > 0:
                colour = AMBER if bar.share < LITTLE else GREEN
                end = MARGIN + max(long, THICK)
                canvas.box(MARGIN, y + 4, end, y + 4 + THICK, colour, THICK // 2)
            y += THICK + 8
        if bar.detail:
            y = canvas.block(MARGIN, y, bar.detail, 22, SOFT, width=width, smallest=20)
        y += 20
    if bars.note:
        y = canvas.block(MARGIN, y, bars.note, 24, AMBER, width=width, most=3)
    return canvas.done(y + 16)
