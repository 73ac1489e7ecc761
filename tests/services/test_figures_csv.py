"""Figures as files: what a spreadsheet reads, and what it must not run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from bot.clock import TZ
from bot.rules.handoffs import AgentStatus
from bot.services import handoff_desk, handoffs, live_chat, presence
from bot.services.figures import Figures, figures, figures_between
from bot.services.figures_csv import day_csv, days_csv
from bot.services.handoff_closing import rate_payload
from bot.store.models import HANDOFF_ENDS, HANDOFF_REASONS
from bot.store.session import Store
from bot.texts import texts

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 18, tzinfo=TZ)
LIN = 1


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def serve(store: Store, who: int, at: datetime, name: str) -> None:
    """Wait 90 seconds, be answered after another 30, and rate it with four stars."""
    presence.set_presence(store, agent_id=LIN, name=name, status=AgentStatus.ONLINE, now=at)
    place = handoffs.request_handoff(store, identity_id=who, reason="asked", now=at).place
    given = {"handoff_id": place.id, "agent_id": LIN}
    handoff_desk.accept(store, now=at + timedelta(seconds=90), **given)
    live_chat.agent_message(store, text="您好", now=at + timedelta(minutes=2), **given)
    handoff_desk.resolve(store, now=at + timedelta(minutes=10), **given)
    stars = rate_payload(place.id, 4)
    live_chat.route(store, identity_id=who, text=stars, key=None, now=at + timedelta(minutes=11))


@pytest.fixture
def served(store: Store, new_identity: Callable[[str], int]) -> Callable[..., Figures]:
    def serve_one(name: str = "小林") -> Figures:
        serve(store, new_identity("13800000101"), NOW - timedelta(hours=1), name)
        return figures(store, day=DAY, now=NOW)

    return serve_one


def test_a_day(served: Callable[..., Figures]) -> None:
    content = day_csv(served())
    # Excel takes it for UTF-8 by its mark alone.
    assert content.startswith("\ufeff日期,2026-11-23\r\n".encode())
    lines = read(content)
    named = {line[0]: line[1] for line in lines if len(line) == 2}
    assert named["转人工"] == "1"
    assert named["接入等待中位数（秒）"] == "90"
    assert named["首次回复中位数，服务时间（秒）"] == "120"
    assert named["对话时长九成以内（秒）"] == "510"
    assert (named["满意占比（4–5 星）"], named["平均星级"]) == ("1.0", "4.0")
    # Nobody wrote to the bot: no share of nothing.
    assert named["独立办完占比"] == ""
    assert named["为什么转人工：家长要人工"] == named["怎么结束：坐席办结"] == "1"
    assert ["首次回复", "0", "1", "0"] in lines
    assert ["小林", "1", "1", "120", "1", "4.0", "1.0"] in lines
    assert lines[-24:][17] == ["17", "0", "1", "90"]
    assert [line[0] for line in lines[-24:]] == [str(hour) for hour in range(24)]


def test_every_word_has_a_heading(store: Store) -> None:
    found = figures(store, day=DAY, now=NOW)
    every = Figures(
        **{
            **vars(found),
            "reasons": dict.fromkeys(HANDOFF_REASONS, 1),
            "ends": dict.fromkeys(HANDOFF_ENDS, 1),
        }
    )
    told = [line[0] for line in read(day_csv(every)) if line]
    words = HANDOFF_REASONS + HANDOFF_ENDS
    assert sum("：" in name for name in told) == len(words)
    for name in found.overdue:
        assert texts()[f"desk_due_{name}"].text in told
    # Not a word of the program's own is left.
    assert not [name for name in told if re.search("[a-z_]{3}", name)]


def test_days_a_line_each(store: Store, served: Callable[..., Figures]) -> None:
    served()
    first = DAY - timedelta(days=2)
    heading, *lines = read(days_csv(figures_between(store, first=first, last=DAY, now=NOW)))
    assert [line[0] for line in lines] == ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert {len(line) for line in lines} == {len(heading)}
    assert len(set(heading)) == len(heading)
    median = heading.index("接入等待中位数（秒）")
    assert [line[median] for line in lines] == ["", "", "90"]
    # What waits now did not wait then.
    assert not {"现在等待", "现在逾期"} & set(heading)
    assert days_csv([]) == "\ufeff".encode()


@pytest.mark.parametrize("sign", "=+-@＝＋－＠\t\r\n")
def test_no_cell_is_a_formula(served: Callable[..., Figures], sign: str) -> None:
    found = served()
    name = f"{sign}HYPERLINK(1)"
    (agent,) = found.agents
    hostile = Figures(**{**vars(found), "agents": (type(agent)(**{**vars(agent), "name": name}),)})
    cells = [cell for line in read(day_csv(hostile)) for cell in line]
    assert f"'{name}".replace("\r", "\n") in [cell.replace("\r", "\n") for cell in cells]
    assert not [cell for cell in cells if cell.startswith(sign)]


def test_nothing_of_a_parent_is_in_it(served: Callable[..., Figures]) -> None:
    found = served()
    told = (day_csv(found) + days_csv([found])).decode()
    assert "13800000101" not in told
    assert "您好" not in told
