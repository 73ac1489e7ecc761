"""Reading amounts, days and short names out of what parents write about a claim."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.claim_answers import (
    IMPOSSIBLE,
    SEVERAL,
    find_amount,
    find_visit_day,
    is_short_name,
)
from actions.forms import Found
from actions.turn import Turn
from bot.clock import TZ
from bot.nlu.entities import extract
from bot.services.identity import Identity
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)  # a Monday


def said(text: str, intent: str = "inform") -> Turn:
    """A turn with the entities that the pipeline finds; it needs no store."""
    message: dict[str, Any] = {
        "text": text,
        "intent": {"name": intent},
        "entities": [asdict(one) for one in extract(text, NOW)],
    }
    tracker = Tracker("parent", {}, message, [], False, None, {}, None)
    who = Identity(1, "rest", "parent")
    return Turn(CollectingDispatcher(), tracker, cast(Store, None), who, NOW)


@pytest.mark.parametrize(
    ("text", "asked", "amount"),
    [
        ("一千二", "claim_amount", "1200"),
        ("1.2万", "claim_amount", "12000.0"),
        ("128块5", "claim_amount", "128.5"),
        ("三百", "claim_amount", "300"),
        ("三百左右", "claim_amount", "300"),
        ("1200", "claim_amount", "1200"),
        ("0元", "claim_amount", "0"),
        ("-100", "claim_amount", "0"),
        ("不对，是1200", "claim_confirm", "1200"),
        ("不是1200，是1300", "claim_confirm", "1300"),
        ("金额不对，应该是88", "claim_confirm", "88"),
        ("挂号费25元，药费316元，一共341元", "claim_amount", "341"),
        ("挂号25，药费316", "claim_amount", SEVERAL),
        # No amount is asked for, or none is said.
        ("1200", "claim_hospital", None),
        ("确认", "claim_confirm", None),
        ("11月13号", "claim_amount", None),
        ("没有发票", "claim_amount", None),
    ],
)
def test_amounts(text: str, asked: str, amount: str | None) -> None:
    found = Found()
    find_amount(found, said(text), asked)
    assert found.values.get("claim_amount") == amount


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("上周三", "2026-11-18"),
        ("11月18号", "2026-11-18"),
        # A day that is still to come this year was last year's.
        ("12月1号", "2025-12-01"),
        ("不是11月12号，是11月13号", "2026-11-13"),
        ("11月5号住院，11月10号出院", "2026-11-10"),
        ("住院，11月5号到11月10号", "2026-11-10"),
        ("11月31号", IMPOSSIBLE),
        ("门诊", None),
    ],
)
def test_days(text: str, day: str | None) -> None:
    found = Found()
    find_visit_day(found, said(text))
    assert found.values.get("claim_date") == day


@pytest.mark.parametrize(
    ("text", "intent", "accepted"),
    [
        ("华山", "inform", True),
        ("瑞金", "out_of_scope", True),
        ("天上掉下个林妹妹", "out_of_scope", False),
        ("忘了", "inform", False),
        ("什么意思", "inform", False),
        ("谢谢", "thank", False),
        ("不是这家", "deny", False),
    ],
)
def test_short_names(text: str, intent: str, accepted: bool) -> None:
    assert is_short_name(said(text, intent)) is accepted
