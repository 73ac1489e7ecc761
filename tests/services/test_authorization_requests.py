"""Applying, changing the day, withdrawing: once each, by the rules, for the family alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.services import authorization_requests as service
from bot.services import authorizations
from bot.services.authorization_requests import AuthorizationWish
from bot.services.authorizations import AuthorizationView
from bot.services.errors import NotBound, NotFound, Refused
from bot.store.models import AuditEntry, Authorization, AuthorizationEvent
from bot.store.session import Store

NUMBER, PHONE = "YX2026-000101", "13800000101"
THEIR_NUMBER, THEIR_PHONE = "YX2026-000301", "13800000301"
XINHUA, CLINIC = "上海新华医院镜朗高级专家诊疗部", "示范和晴儿科诊所（徐汇）"
PUBLIC = "示范市第一人民医院"
FRIDAY = date(2026, 12, 4)
WISH = AuthorizationWish("斜视手术", XINHUA, FRIDAY, Decimal(8000))

Bound = Callable[..., int]
Count = Callable[..., int]
Apply = Callable[..., tuple[AuthorizationView, bool]]


@pytest.fixture
def apply(store: Store, now: datetime) -> Apply:
    def apply(
        who: int, wish: AuthorizationWish = WISH, number: str = NUMBER, at: datetime = now
    ) -> tuple[AuthorizationView, bool]:
        return service.submit(store, identity_id=who, number=number, wish=wish, now=at)

    return apply


def test_an_application_is_stored_as_it_was_said(
    store: Store, bound: Bound, apply: Apply, now: datetime
) -> None:
    seen, new = apply(bound(PHONE))
    assert new
    assert seen.reference.startswith("P1")
    assert (seen.child, seen.treatment, seen.hospital) == ("王小满", "斜视手术", XINHUA)
    assert (seen.treatment_on, seen.estimated_amount) == (FRIDAY, Decimal(8000))
    assert (seen.status, seen.urgent, seen.submitted_at) == ("submitted", False, now)
    assert seen.deadline == datetime(2026, 12, 2, 23, 59, 59, tzinfo=TZ)
    assert [(e.kind, e.at, e.by_staff) for e in seen.events] == [("submitted", now, False)]


def test_the_same_application_twice_is_one(bound: Bound, apply: Apply, count: Count) -> None:
    who = bound(PHONE)
    first, _ = apply(who)
    again, new = apply(who, replace(WISH, treatment=" 斜视手术", amount=None))
    assert (again, new) == (first, False)
    assert count(Authorization) == 3
    assert count(AuthorizationEvent) == 1


def test_two_of_the_family_at_once_make_one(bound: Bound, apply: Apply, count: Count) -> None:
    parents = [bound(PHONE), bound(PHONE, account="grandmother")]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(apply, parents * 4))
    assert len({seen.reference for seen, _ in results}) == 1
    assert sum(new for _, new in results) == 1
    assert count(Authorization) == 3


@pytest.mark.parametrize(
    "other",
    [
        replace(WISH, treatment="疝气手术"),
        replace(WISH, hospital=CLINIC),
        replace(WISH, day=date(2026, 12, 7)),
    ],
)
def test_another_wish_is_another_application(
    bound: Bound, apply: Apply, other: AuthorizationWish
) -> None:
    who = bound(PHONE)
    first, _ = apply(who)
    second, new = apply(who, other)
    assert new
    assert second.reference != first.reference


@pytest.mark.parametrize(
    ("day", "late"),
    [
        (date(2026, 11, 23), True),
        (date(2026, 11, 24), True),
        (date(2026, 11, 25), False),  # until tonight
        (date(2026, 11, 26), False),
    ],
)
def test_p1_late_is_taken_and_marked_urgent(
    store: Store, bound: Bound, apply: Apply, now: datetime, day: date, late: bool
) -> None:
    who, wish = bound(PHONE), replace(WISH, day=day)
    judged = service.assess(store, identity_id=who, number=NUMBER, wish=wish, now=now)
    seen, _ = apply(who, wish)
    assert (judged.late, seen.urgent) == (late, late)
    assert judged.deadline == seen.deadline


@pytest.mark.parametrize(
    ("phone", "number", "wish", "reason"),
    [
        (PHONE, NUMBER, replace(WISH, hospital=PUBLIC), "pay_first"),
        (PHONE, NUMBER, replace(WISH, day=date(2026, 11, 22)), "past"),
        (PHONE, NUMBER, replace(WISH, day=date(2028, 1, 4)), "after_policy"),
        (PHONE, NUMBER, replace(WISH, amount=Decimal(0)), "amount"),
        (PHONE, NUMBER, replace(WISH, amount=Decimal("10000000.01")), "amount"),
        ("13800000201", "YX2026-000201", WISH, "no_direct_billing"),
        ("13800000201", "YX2026-000202", WISH, "not_in_plan"),
        ("13800000501", "YX2026-000501", replace(WISH, hospital=CLINIC), "not_in_plan"),
        ("13800000401", "YX2026-000401", WISH, "expired"),
    ],
)
def test_what_is_refused_and_not_stored(
    store: Store,
    bound: Bound,
    apply: Apply,
    count: Count,
    now: datetime,
    phone: str,
    number: str,
    wish: AuthorizationWish,
    reason: str,
) -> None:
    who = bound(phone)
    with pytest.raises(Refused) as refused:
        service.assess(store, identity_id=who, number=number, wish=wish, now=now)
    assert refused.value.reason == reason
    with pytest.raises(Refused, match=reason):
        apply(who, wish, number)
    assert count(Authorization) == 2


def test_before_the_policy_begins(bound: Bound, apply: Apply) -> None:
    early = datetime(2026, 5, 1, 9, tzinfo=TZ)
    with pytest.raises(Refused, match="before_policy"):
        apply(bound(PHONE), replace(WISH, day=date(2026, 5, 5)), at=early)


def test_e3_a_grey_card_is_told_and_takes_the_application(
    store: Store, bound: Bound, apply: Apply, now: datetime
) -> None:
    who, number = bound("13800000501"), "YX2026-000501"
    judged = service.assess(store, identity_id=who, number=number, wish=WISH, now=now)
    assert judged.owed == Decimal("128.00")
    assert apply(who, number=number)[1]


def test_what_stands_in_the_way_of_a_plan(store: Store, bound: Bound, now: datetime) -> None:
    who = bound(PHONE, "13800000201", "13800000401", "13800000501")

    def obstacle(number: str) -> str | None:
        return service.obstacle(store, identity_id=who, number=number, now=now)

    assert obstacle(NUMBER) is None
    assert obstacle("YX2026-000201") == "no_direct_billing"
    assert obstacle("YX2026-000401") == "expired"
    assert obstacle("YX2026-000501") is None


def test_others_of_the_same_day_and_hospital_are_told(
    store: Store, bound: Bound, apply: Apply, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = apply(who)

    def similar(wish: AuthorizationWish) -> list[str]:
        judged = service.assess(store, identity_id=who, number=NUMBER, wish=wish, now=now)
        return [a.reference for a in judged.similar]

    assert similar(replace(WISH, treatment="斜视矫正")) == [first.reference]
    assert similar(WISH) == []
    assert similar(replace(WISH, treatment="斜视矫正", hospital=CLINIC)) == []
    service.withdraw(store, identity_id=who, reference=first.reference, now=now)
    assert similar(replace(WISH, treatment="斜视矫正")) == []


# ---- another day


def test_another_day_moves_the_deadline(
    store: Store, bound: Bound, apply: Apply, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = apply(who)
    moved = service.change_day(
        store, identity_id=who, reference=first.reference, day=date(2026, 11, 24), now=now
    )
    assert (moved.treatment_on, moved.urgent, moved.status) == (
        date(2026, 11, 24), True, "submitted",
    )  # fmt: skip
    assert (moved.events[-1].kind, moved.events[-1].reason) == ("changed", "2026-12-04")
    back = service.change_day(
        store, identity_id=who, reference=first.reference, day=FRIDAY, now=now
    )
    assert (back.treatment_on, back.urgent) == (FRIDAY, False)
    # The old day is free again, the new one is taken.
    assert apply(who) == (back, False)


def test_the_same_day_again_changes_nothing(
    store: Store, bound: Bound, apply: Apply, now: datetime, count: Count
) -> None:
    who = bound(PHONE)
    first, _ = apply(who)
    same = service.change_day(
        store, identity_id=who, reference=first.reference, day=FRIDAY, now=now
    )
    assert same == first
    assert count(AuthorizationEvent) == 1


def test_days_that_are_refused(store: Store, bound: Bound, apply: Apply, now: datetime) -> None:
    who = bound(PHONE)
    first, _ = apply(who)
    apply(who, replace(WISH, day=date(2026, 12, 7)))
    for day, reason in [
        (date(2026, 11, 22), "past"),
        (date(2028, 1, 4), "after_policy"),
        (date(2026, 12, 7), "authorization_same"),
    ]:
        with pytest.raises(Refused, match=reason):
            service.change_day(store, identity_id=who, reference=first.reference, day=day, now=now)


def test_one_that_is_approved_is_moved_by_staff_alone(
    store: Store, bound: Bound, now: datetime
) -> None:
    with pytest.raises(Refused, match="authorization_approved"):
        service.change_day(
            store, identity_id=bound(THEIR_PHONE), reference="P3001", day=FRIDAY, now=now
        )


def test_one_under_review_is_moved_and_stays_under_review(
    store: Store, bound: Bound, now: datetime
) -> None:
    who = bound(THEIR_PHONE)
    moved = service.change_day(store, identity_id=who, reference="P3002", day=FRIDAY, now=now)
    assert (moved.status, moved.treatment_on) == ("under_review", FRIDAY)


# ---- withdrawing


@pytest.mark.parametrize("reference", ["P3001", "P3002"])
def test_withdrawing_twice_is_withdrawing_once(
    store: Store, bound: Bound, now: datetime, count: Count, reference: str
) -> None:
    who = bound(THEIR_PHONE)
    for _ in range(2):
        seen = service.withdraw(store, identity_id=who, reference=reference, now=now)
        assert (seen.status, seen.ended) == ("withdrawn", True)
    assert count(AuthorizationEvent, kind="withdrawn") == 1
    with pytest.raises(Refused, match="authorization_state"):
        service.change_day(store, identity_id=who, reference=reference, day=FRIDAY, now=now)


def test_after_withdrawing_the_same_can_be_applied_for(
    store: Store, bound: Bound, apply: Apply, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = apply(who)
    service.withdraw(store, identity_id=who, reference=first.reference, now=now)
    second, new = apply(who)
    assert new
    assert second.reference != first.reference


def test_an_approved_treatment_that_is_over_is_not_given_up(
    store: Store, bound: Bound, now: datetime
) -> None:
    with pytest.raises(Refused, match="authorization_state"):
        service.withdraw(
            store,
            identity_id=bound(THEIR_PHONE),
            reference="P3001",
            now=now + timedelta(days=30),
        )


# ---- privacy and the trail


def test_nobody_touches_another_family_s(
    store: Store, bound: Bound, new_identity: Callable[[str], int], apply: Apply, now: datetime
) -> None:
    ours, nobody = bound(PHONE), new_identity("nobody")
    with pytest.raises(NotFound):
        apply(ours, number=THEIR_NUMBER)
    with pytest.raises(NotBound):
        apply(nobody)
    for who in (ours, nobody):
        with pytest.raises(NotFound):
            service.change_day(store, identity_id=who, reference="P3002", day=FRIDAY, now=now)
        with pytest.raises(NotFound):
            service.withdraw(store, identity_id=who, reference="P3002", now=now)
        with pytest.raises((NotFound, NotBound)):
            service.place_refused(store, identity_id=who, number=THEIR_NUMBER, hospital=XINHUA)
    theirs = authorizations.authorizations(store, identity_id=bound(THEIR_PHONE, account="they"))
    assert [a.status for a in theirs] == ["approved", "under_review"]


def test_an_unknown_hospital_is_not_found(bound: Bound, apply: Apply) -> None:
    with pytest.raises(NotFound):
        apply(bound(PHONE), replace(WISH, hospital="华山医院"))


def test_the_audit_names_no_treatment(
    store: Store, bound: Bound, apply: Apply, now: datetime
) -> None:
    who = bound(PHONE)
    seen, _ = apply(who)
    service.change_day(
        store, identity_id=who, reference=seen.reference, day=date(2026, 12, 7), now=now
    )
    service.withdraw(store, identity_id=who, reference=seen.reference, now=now)
    with store.read() as session:
        query = sa.select(AuditEntry).where(AuditEntry.action.like("authorization.%"))
        entries = list(session.scalars(query.order_by(AuditEntry.id)))
    assert [e.action.split(".")[1] for e in entries] == ["submitted", "changed", "withdrawn"]
    assert {e.actor for e in entries} == {f"identity:{who}"}
    assert not any("斜视" in str(e.detail) or "王小满" in str(e.detail) for e in entries)
