"""The date reader on sentences as parents write them (tests/evaluation/dates.jsonl)."""

import json
from datetime import datetime
from pathlib import Path

from bot.nlu.dates import TZ, direction, resolve

_FILE = Path(__file__).parents[1] / "evaluation" / "dates.jsonl"
_ROWS = [json.loads(line) for line in _FILE.read_text("utf-8").splitlines()]


def _read(row: dict[str, str | None]) -> tuple[str | None, str | None]:
    text, now = str(row["text"]), datetime.fromisoformat(str(row["ref"])).replace(tzinfo=TZ)
    found = resolve(text, now, direction(text, now))
    if found is None or found.date is None:
        return None, None
    return found.date.isoformat(), found.time.strftime("%H:%M") if found.time else None


def test_the_set_is_large_enough() -> None:
    assert len(_ROWS) >= 300


def test_dates_and_clocks_are_right() -> None:
    dated = [row for row in _ROWS if row["date"]]
    wrong = [row["text"] for row in dated if _read(row) != (row["date"], row["time"])]
    assert len(wrong) <= 0.02 * len(dated), wrong


def test_false_dates_are_rare() -> None:
    dateless = [row for row in _ROWS if row["date"] is None]
    false = [row["text"] for row in dateless if _read(row)[0] is not None]
    assert len(false) <= 0.01 * len(dateless), false


def test_spans_are_those_of_the_text() -> None:
    for row in _ROWS:
        now = datetime.fromisoformat(row["ref"]).replace(tzinfo=TZ)
        found = resolve(row["text"], now)
        assert found is None or row["text"][slice(*found.span)] == found.text
