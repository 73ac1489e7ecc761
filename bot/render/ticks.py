"""A list with boxes, ticked where it is done."""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.canvas import AMBER, GREEN, INK, MARGIN, SOFT, WHITE, WIDTH, Canvas, Drawing

SIDE = 36


@dataclass(frozen=True)
class Tick:
    """A line of the list: what, whether it is done, in words too, and a remark."""

    label: str
    done: bool
    state: str
    remark: str = ""


@dataclass(frozen=True)
class Ticks:
    """All that stands on the picture, in words."""

    title: str
    heading: str
    rows: tuple[Tick, ...]
    note: str

    @property
    def words(self) -> tuple[str, ...]:
        """All that the picture says, from top to bottom; of a box, whether it is ticked."""
        rows = [
            part
            for tick in self.rows
            for part in (f"{tick.label} {tick.state}".strip(), tick.remark)
        ]
        return tuple(part for part in (self.title, self.heading, *rows, self.note) if part)


def draw(ticks: Ticks) -> Drawing:
    """Draw the list."""
    canvas, width = Canvas(WHITE), WIDTH - 2 * MARGIN
    y = canvas.block(MARGIN, 32, ticks.title, 36, INK, width=width, smallest=28)
    y = canvas.block(MARGIN, y, ticks.heading, 24, SOFT, width=width, most=3) + 16
    for tick in ticks.rows:
        _box(canvas, y + 4, done=tick.done)
        x = MARGIN + SIDE + 20
        room = WIDTH - MARGIN - x
        colour = SOFT if tick.done else INK
        y = canvas.block(x, y, tick.label, 28, colour, width=room, smallest=24)
        if tick.remark:
            y = canvas.block(x, y, tick.remark, 22, AMBER, width=room, most=3)
        y += 14
    y = canvas.block(MARGIN, y + 4, ticks.note, 24, SOFT, width=width, most=3)
    return canvas.done(y + 16)


def _box(canvas: Canvas, top: int, *, done: bool) -> None:
    """Draw a box; a tick's strokes are drawn, for fonts need not have the sign."""
    corners = (MARGIN, top, MARGIN + SIDE, top + SIDE)
    if not done:
        canvas.draw.rounded_rectangle(corners, 8, outline=SOFT, width=3)
        return
    canvas.box(*corners, fill=GREEN, radius=8)
    stroke = [(MARGIN + 8, top + 19), (MARGIN + 16, top + 27), (MARGIN + 29, top + 10)]
    canvas.draw.line(stroke, fill=WHITE, width=5, joint="curve")
