"""What staff arrange: asked once, decided once, told to the parents (M4, M6, M7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.consultations import ONSITE_HOSPITALS
from bot.services import service_requests as service
from bot.services.errors import Conflict, NotBound, NotFound, Refused
from bot.services.service_requests import Wanted
from bot.store.models import AuditEntry, OutboxMessage, ServiceRequest
from bot.store.session import Store

ONE, OTHER = "13800000101", "13800000301"
NUMBER = "YX2026-000101"
XINHUA = "上海新华医院镜朗高级专家诊疗部"
WANTED = Wanted("onsite", XINHUA, date(2026, 12, 9))


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    return bound(ONE)


@pytest.fixture
def ask(store: Store, parent: int, now: datetime) -> Callable[..., Any]:
    def request(wanted: Wanted = WANTED, **change: Any) -> Any:
        given = {"identity_id": parent, "number": NUMBER, "wanted": wanted, "now": now} | change
        return service.request(store, **given)

    return request


def test_a_request_has_a_number_and_waits(
    store: Store, parent: int, ask: Callable[..., Any], now: datetime
) -> None:
    seen, new = ask()
    assert new
    assert (seen.reference, seen.child, seen.status) == ("R10001", "王小满", "requested")
    assert (seen.hospital, seen.wished_on, seen.requested_at) == (XINHUA, date(2026, 12, 9), now)
    assert service.requests(store, identity_id=parent) == [seen]
    assert service.requests(store, identity_id=parent, kinds=("counselling",)) == []


def test_the_same_request_again_is_the_same(
    ask: Callable[..., Any], count: Callable[..., int]
) -> None:
    first, _ = ask()
    assert ask() == (first, False)
    assert ask(replace(WANTED, wished_on=date(2026, 12, 10)))[1]
    assert count(ServiceRequest) == 2
    assert count(AuditEntry, action="service.request") == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wished_on": date(2026, 11, 22)}, "past"),
        ({"wished_on": date(2028, 1, 1)}, "after_policy"),
    ],
)
def test_days_that_will_not_do(
    ask: Callable[..., Any], change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        ask(replace(WANTED, **change))
    assert refused.value.reason == reason


def test_an_expired_policy_asks_for_nothing(
    ask: Callable[..., Any], bound: Callable[..., int]
) -> None:
    expired = bound("13800000401", account="expired")
    with pytest.raises(Refused, match="expired"):
        ask(identity_id=expired, number="YX2026-000401")


def test_nobody_asks_or_cancels_for_others(
    store: Store, ask: Callable[..., Any], bound: Callable[..., int], now: datetime
) -> None:
    seen, _ = ask()
    stranger = bound(OTHER, account="stranger")
    with pytest.raises((NotFound, NotBound)):
        ask(identity_id=stranger)
    with pytest.raises(NotFound):
        service.cancel(store, identity_id=stranger, reference=seen.reference, now=now)
    assert service.requests(store, identity_id=stranger) == []


@pytest.mark.parametrize(
    ("arranged", "status", "text"),
    [
        (True, "arranged", "notify_service_arranged"),
        (False, "declined", "notify_service_declined"),
    ],
)
def test_staff_decide_and_the_parents_hear_of_it(
    store: Store,
    ask: Callable[..., Any],
    parent: int,
    now: datetime,
    arranged: bool,
    status: str,
    text: str,
) -> None:
    seen, _ = ask()
    given = {"actor": "agent:1", "note": "一楼服务台", "now": now}
    decided = service.decide(
        store, reference=seen.reference, arranged=arranged, version=seen.version, **given
    )
    assert (decided.status, decided.note) == (status, "一楼服务台")
    with store.read() as session:
        message = session.scalars(sa.select(OutboxMessage)).one()
    assert (message.identity_id, message.kind) == (parent, "service_arranged")
    assert message.payload["text"] == text
    assert message.payload["values"]["note"] == "一楼服务台"
    with pytest.raises(Refused, match="not_open"):
        service.decide(
            store, reference=seen.reference, arranged=True, version=decided.version, **given
        )


def test_who_looked_at_an_old_version_decides_nothing(
    store: Store, ask: Callable[..., Any], parent: int, now: datetime, count: Callable[..., int]
) -> None:
    seen, _ = ask()
    service.cancel(store, identity_id=parent, reference=seen.reference, now=now)
    with pytest.raises(Conflict):
        service.decide(
            store,
            reference=seen.reference,
            actor="agent:1",
            arranged=True,
            note="",
            version=seen.version,
            now=now,
        )
    assert count(OutboxMessage) == 0


def test_a_cancelled_request_can_be_asked_for_anew(
    store: Store, ask: Callable[..., Any], parent: int, now: datetime
) -> None:
    seen, _ = ask()
    given = {"identity_id": parent, "reference": seen.reference}
    assert service.cancel(store, **given, now=now).status == "cancelled"
    assert service.cancel(store, **given, now=now + timedelta(days=1)).status == "cancelled"
    again, new = ask()
    assert new
    assert again.reference != seen.reference


FUDAN = "复旦大学附属儿科医院国际部特需门诊"
HEQING, QINGHE = "示范和晴儿科诊所（徐汇）", "示范青禾儿童门诊部（浦东）"
DAY = date(2026, 12, 9)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted("onsite", HEQING, DAY), "onsite_place"),
        (Wanted("onsite", None, DAY), "onsite_place"),
        (Wanted("counselling", detail="", recommended=True), "no_diagnosis"),
        (Wanted("counselling", detail="多动症", recommended=True), "diagnosis_not_listed"),
        (Wanted("counselling", detail="抑郁症"), "no_recommendation"),
        (Wanted("vaccination", QINGHE, DAY, "流感疫苗"), "vaccination_place"),
        (Wanted("vaccination", FUDAN, DAY, "流感疫苗"), "vaccination_place"),
        (Wanted("health_check", None, DAY), "vaccination_place"),
    ],
)
def test_what_the_manual_does_not_offer_is_refused_whoever_asks(
    ask: Callable[..., Any], count: Callable[..., int], wanted: Wanted, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        ask(wanted)
    assert refused.value.reason == reason
    assert count(ServiceRequest) == 0


@pytest.mark.parametrize(
    ("phone", "number", "kind", "reason"),
    [
        ("13800000201", "YX2026-000201", "vaccination", "no_benefit"),
        ("13800000201", "YX2026-000201", "health_check", "public_only"),
        ("13800000201", "YX2026-000202", "health_check", "checks_used_up"),
        ("13800000501", "YX2026-000501", "health_check", "public_only"),
    ],
)
def test_a_policy_gives_no_more_than_its_plan(
    ask: Callable[..., Any],
    bound: Callable[..., int],
    phone: str,
    number: str,
    kind: Any,
    reason: str,
) -> None:
    who = bound(phone, account="another")
    with pytest.raises(Refused) as refused:
        ask(Wanted(kind, HEQING, DAY), identity_id=who, number=number)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("counselling", detail="抑郁症", recommended=True),
        Wanted("vaccination", HEQING, DAY, "流感疫苗"),
        Wanted("health_check", HEQING, DAY),
        Wanted("onsite", FUDAN, DAY),
    ],
)
def test_what_the_manual_offers_is_taken(ask: Callable[..., Any], wanted: Wanted) -> None:
    assert ask(wanted)[1]


def test_assistance_is_offered_at_the_three_places_alone(store: Store) -> None:
    places = service.onsite_places(store)
    assert {h.name for h in places} == set(ONSITE_HOSPITALS)
    assert all(h.onsite_assistance for h in places), "the directory says the same"
