"""Figures as files for spreadsheets: UTF-8 with a mark that Excel knows it by, no personal data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.services.figures import Figures, Waits
from bot.texts import texts

# What a spreadsheet would take for a formula; in Chinese ones the wide signs do as well.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Of the moment of asking: in a line of a day that is over they would mislead.
_OF_NOW = frozenset({"waiting_now", "late"})
_AGENT = ("agent", "accepted", "resolved", "first_median")
_BOM = "\ufeff"


def day_csv(found: Figures) -> bytes:
    """Return a day: a line each figure, then a line each agent and each hour."""
    rows: list[Sequence[object]] = [(_word("day"), found.day)]
    rows += [(_word(name), value) for name, value in numbers(found).items()]
    rows += [(_named("reason", name), count) for name, count in sorted(found.reasons.items())]
    rows += [(_named("end", name), count) for name, count in sorted(found.ends.items())]
    rows.append(())
    rows.append([_word(n) for n in ("overdue", "overdue_now", "overdue_met", "overdue_missed")])
    rows += [
        (texts()[f"desk_due_{name}"].text, one.now, one.met, one.missed)
        for name, one in found.overdue.items()
    ]
    rows.append(())
    rows.append([_word(n) for n in (*_AGENT, "ratings", "stars", "csat")])
    rows += [
        (
            *(a.name, a.accepted, a.resolved, _seconds(a.first_answer.median)),
            *(a.ratings.count, _round(a.ratings.mean), _round(a.ratings.good)),
        )
        for a in found.agents
    ]
    rows.append(())
    rows.append([_word(n) for n in ("hour", "hour_messages", "hour_handoffs", "hour_wait")])
    rows += [(h.hour, h.messages, h.handoffs, _seconds(h.wait)) for h in found.hours]
    return _written(rows)


def days_csv(found: Iterable[Figures]) -> bytes:
    """Return several days, a line each; what is of the moment is left out."""
    rows: list[Sequence[object]] = []
    for one in found:
        named = {k: value for k, value in numbers(one).items() if k not in _OF_NOW}
        if not rows:
            rows.append([_word("day"), *(_word(name) for name in named)])
        rows.append([one.day, *named.values()])
    return _written(rows)


def numbers(found: Figures) -> dict[str, object]:
    """Return a day's single figures by name; durations in whole seconds, shares 0 to 1."""
    told: dict[str, object] = {
        "conversations": found.conversations,
        "contained": found.contained,
        "containment": _round(found.containment),
        "messages_in": found.messages_in,
        "messages_out": found.messages_out,
        "handoffs": found.handoffs,
        "waiting_now": found.waiting_now,
        "abandoned": found.abandoned,
        "transfers": found.transfers,
        "takeovers": found.takeovers,
        "ratings": found.ratings.count,
        "stars": _round(found.ratings.mean),
        "csat": _round(found.ratings.good),
    }
    for name, waits in (
        ("accept", found.accepted),
        ("first", found.first_answer),
        ("talk", found.talk),
    ):
        told |= _waits(name, waits)
    missed = sum(one.missed for one in found.overdue.values())
    return told | {"missed": missed, "late": sum(one.now for one in found.overdue.values())}


def _waits(name: str, waits: Waits) -> dict[str, object]:
    return {
        f"{name}_median": _seconds(waits.wall.median),
        f"{name}_ninetieth": _seconds(waits.wall.ninetieth),
        f"{name}_office_median": _seconds(waits.office.median),
        f"{name}_office_ninetieth": _seconds(waits.office.ninetieth),
    }


def _seconds(value: timedelta | None) -> int | str:
    return "" if value is None else round(value.total_seconds())


def _round(value: float | None) -> float | str:
    return "" if value is None else round(value, 3)


def _word(name: str) -> str:
    return texts()[f"desk_figure_{name}"].text


def _named(group: str, name: str) -> str:
    return f"{_word(f'by_{group}')}：{texts()[f'desk_{group}_{name}'].text}"


def _written(rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return (_BOM + out.getvalue()).encode()


def _cell(value: object) -> str:
    told = str(value)
    return f"'{told}" if told.startswith(_FORMULAS) else told
