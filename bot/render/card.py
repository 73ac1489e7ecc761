"""The e-card as a picture."""

from __future__ import annotations

from dataclasses import dataclass

import segno

from bot.render.canvas import BLUE, GREY, INK, MARGIN, WHITE, WIDTH, Canvas, Drawing, width_of

QR_SIDE, QR_QUIET = 232, 4
PALE_TEXT = (226, 234, 242)


@dataclass(frozen=True)
class Code:
    """A QR code: what it holds, and the lines below it."""

    content: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """All that stands on a card, in words; ``active`` is blue, else it is grey."""

    title: str
    state: str
    active: bool
    name: str
    plan: str
    rows: tuple[tuple[str, str], ...]
    note: str
    footer: str
    code: Code | None

    @property
    def words(self) -> tuple[str, ...]:
        """All that is written on it, from top to bottom."""
        rows = tuple(f"{label} {value}" for label, value in self.rows)
        code = self.code.lines if self.code else ()
        said = (self.title, self.state, self.name, self.plan, *rows, self.note, *code, self.footer)
        return tuple(part for part in said if part)


def draw(card: Card) -> Drawing:
    """Draw a card."""
    ground = BLUE if card.active else GREY
    canvas = Canvas(ground)
    canvas.line(MARGIN, 36, card.title, 30, PALE_TEXT)
    pill = width_of(card.state, 28) + 44
    canvas.box(WIDTH - MARGIN - pill, 32, WIDTH - MARGIN, 84, WHITE, 26)
    canvas.line(WIDTH - MARGIN - 22, 36, card.state, 28, ground, right=True)
    width = WIDTH - 2 * MARGIN - (QR_SIDE + 32 if card.code else 0)
    bottom = _code(canvas, card.code, 112) if card.code else 0
    y = canvas.block(MARGIN, 108, card.name, 56, WHITE, width=width, smallest=32, most=3)
    y = canvas.block(MARGIN, y + 6, card.plan, 28, WHITE, width=width, smallest=24)
    y += 18
    for label, value in card.rows:
        y = canvas.line(MARGIN, y, label, 22, PALE_TEXT)
        y = canvas.block(MARGIN, y - 2, value, 28, WHITE, width=width, smallest=24) + 8
    y = max(y, bottom) + 8
    if card.note:
        y = canvas.block(MARGIN, y, card.note, 28, WHITE, width=WIDTH - 2 * MARGIN, most=3) + 8
    canvas.draw.line((MARGIN, y, WIDTH - MARGIN, y), fill=PALE_TEXT, width=1)
    y = canvas.block(MARGIN, y + 14, card.footer, 24, PALE_TEXT, width=WIDTH - 2 * MARGIN)
    return canvas.done(y + 22)


def _code(canvas: Canvas, code: Code, top: int) -> int:
    """Draw the QR code at the right, with the margin that readers need; return ``y`` below it."""
    left = WIDTH - MARGIN - QR_SIDE
    canvas.box(left, top, left + QR_SIDE, top + QR_SIDE, WHITE, 12)
    rows = segno.make(code.content, error="m", micro=False).matrix
    # Whole pixels, or readers stumble.
    dot = QR_SIDE // (len(rows) + 2 * QR_QUIET)
    start = (QR_SIDE - dot * len(rows)) // 2
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark:
                x, y = left + start + across * dot, top + start + down * dot
                canvas.draw.rectangle((x, y, x + dot - 1, y + dot - 1), fill=INK)
    y = top + QR_SIDE + 8
    for line in code.lines:
        y = canvas.block(left, y, line, 20, PALE_TEXT, width=QR_SIDE, smallest=18)
    return y
