"""Claims: papers, what is refused, what is warned of, one claim a visit, and privacy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.claims import ClaimKind
from bot.services import claims
from bot.services.claims import ClaimWish
from bot.services.errors import NotBound, NotFound, Refused
from bot.store.models import AuditEntry, Claim
from bot.store.session import Store

OURS, OUR_PHONE = "YX2026-000101", "13800000101"
EXPIRED, EXPIRED_PHONE = "YX2026-000401", "13800000401"
THEIRS, THEIR_PHONE = "YX2026-000301", "13800000301"
WISH = ClaimWish(
    ClaimKind.PUBLIC_OUTPATIENT, "上海市儿童医院", date(2026, 11, 18), Decimal("128.50")
)


def count(store: Store) -> int:
    with store.read() as session:
        return int(session.scalar(sa.select(sa.func.count(Claim.id))))


@pytest.mark.parametrize("kind", [k for k in ClaimKind if k is not ClaimKind.NETWORK_CLINIC])
def test_every_claimable_kind_has_its_papers(kind: ClaimKind) -> None:
    papers = claims.checklist(kind)
    assert papers.allowed
    assert {"invoice", "itemised_bill", "birth_certificate", "claim_form"} <= set(papers.documents)
    assert ("discharge_summary" in papers.documents) == (kind is ClaimKind.PUBLIC_INPATIENT)
    assert ("consultation_receipt" in papers.documents) == (kind is ClaimKind.INTERNET)
    assert papers.settle_days == (10 if kind is ClaimKind.PUBLIC_INPATIENT else 3)
    assert papers.needs_originals == (kind is ClaimKind.PUBLIC_INPATIENT)


def test_a_grown_child_needs_no_birth_certificate() -> None:
    papers = claims.checklist(ClaimKind.PUBLIC_OUTPATIENT, minor=False)
    assert not {"birth_certificate", "guardian_id"} & set(papers.documents)


def test_a_network_clinic_has_no_papers() -> None:
    papers = claims.checklist(ClaimKind.NETWORK_CLINIC)
    assert not papers.allowed
    assert papers.documents == ()


def test_a_claim_is_opened_with_its_checklist(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(OUR_PHONE)
    seen, new = claims.open_claim(store, identity_id=who, number=OURS, wish=WISH, now=now)
    assert new
    assert seen.reference.startswith("C1")
    assert (seen.child, seen.status, seen.amount) == ("王小满", "draft", Decimal("128.50"))
    assert seen.missing == claims.checklist(WISH.kind).documents
    assert seen.hospital == "上海市儿童医院"
    assert claims.claims(store, identity_id=who)[0] == seen
    with store.read() as session:
        entry = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "claim.open")
        ).one()
    assert entry.actor == f"identity:{who}"
    assert "王小满" not in f"{entry.subject}{entry.detail}"


def test_the_same_visit_twice_opens_one_claim(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(OUR_PHONE)
    first, _ = claims.open_claim(store, identity_id=who, number=OURS, wish=WISH, now=now)
    before = count(store)
    same = replace(WISH, amount=Decimal("128.5"))
    again, new = claims.open_claim(store, identity_id=who, number=OURS, wish=same, now=now)
    assert not new
    assert again == first
    assert count(store) == before


def test_two_of_a_family_open_one_claim(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    mother, father = bound(OUR_PHONE), bound(OUR_PHONE, account="father")
    first, _ = claims.open_claim(store, identity_id=mother, number=OURS, wish=WISH, now=now)
    again, new = claims.open_claim(store, identity_id=father, number=OURS, wish=WISH, now=now)
    assert (again.reference, new) == (first.reference, False)


@pytest.mark.parametrize(
    "other",
    [
        replace(WISH, visited_on=date(2026, 11, 17)),
        replace(WISH, hospital="华山医院"),
        replace(WISH, amount=Decimal("128.51")),
        replace(WISH, kind=ClaimKind.VACCINATION),
    ],
)
def test_another_visit_is_another_claim(
    store: Store, bound: Callable[..., int], now: datetime, other: ClaimWish
) -> None:
    who = bound(OUR_PHONE)
    first, _ = claims.open_claim(store, identity_id=who, number=OURS, wish=WISH, now=now)
    second, new = claims.open_claim(store, identity_id=who, number=OURS, wish=other, now=now)
    assert new
    assert second.reference != first.reference


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (replace(WISH, kind=ClaimKind.NETWORK_CLINIC), "network_clinic"),
        (replace(WISH, visited_on=date(2026, 11, 24)), "future"),
        (replace(WISH, visited_on=date(2025, 5, 1)), "outside_validity"),
        (replace(WISH, amount=Decimal(0)), "amount"),
        (replace(WISH, amount=Decimal(-5)), "amount"),
        (replace(WISH, amount=claims.LARGEST_AMOUNT + 1), "amount"),
    ],
)
def test_what_is_refused_stores_nothing(
    store: Store, bound: Callable[..., int], now: datetime, wish: ClaimWish, reason: str
) -> None:
    who, before = bound(OUR_PHONE), count(store)
    with pytest.raises(Refused) as refused:
        claims.open_claim(store, identity_id=who, number=OURS, wish=wish, now=now)
    assert refused.value.reason == reason
    with pytest.raises(Refused):
        claims.check_wish(store, identity_id=who, number=OURS, wish=wish, now=now)
    assert count(store) == before


def test_today_is_no_future_day_in_shanghai(store: Store, bound: Callable[..., int]) -> None:
    # 00:30 in Shanghai is still the day before in UTC.
    now = datetime(2026, 11, 24, 0, 30, tzinfo=TZ)
    wish = replace(WISH, visited_on=date(2026, 11, 24))
    _, new = claims.open_claim(store, identity_id=bound(OUR_PHONE), number=OURS, wish=wish, now=now)
    assert new


def test_an_expired_policy_takes_visits_within_its_validity(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(EXPIRED_PHONE)
    # Valid from 500 to 135 days before, both included.
    judged = {
        day: claims.judge_day(
            store, identity_id=who, number=EXPIRED, visited_on=day, now=now
        ).refused
        for day in (
            date(2025, 7, 10),
            date(2025, 7, 11),
            date(2026, 7, 11),
            date(2026, 7, 12),
            date(2026, 12, 1),
        )
    }
    assert list(judged.values()) == [
        "outside_validity",
        None,
        None,
        "outside_validity",
        "future",
    ]
    wish = replace(WISH, visited_on=date(2026, 7, 11))
    assert claims.open_claim(store, identity_id=who, number=EXPIRED, wish=wish, now=now)[1]


@pytest.mark.parametrize(
    ("visited_on", "expected"),
    [
        # Friday may be sent in until the end of Monday; Thursday could until Friday.
        (date(2026, 11, 20), ()),
        (date(2026, 11, 19), ("past_internet_deadline",)),
    ],
)
def test_the_deadline_of_an_internet_consultation(
    store: Store,
    bound: Callable[..., int],
    now: datetime,
    visited_on: date,
    expected: tuple[str, ...],
) -> None:
    wish = replace(WISH, kind=ClaimKind.INTERNET, visited_on=visited_on, follow_up=True)
    who = bound(OUR_PHONE)
    assert claims.check_wish(store, identity_id=who, number=OURS, wish=wish, now=now) == expected
    seen, _ = claims.open_claim(store, identity_id=who, number=OURS, wish=wish, now=now)
    assert seen.send_by == claims.send_by(wish)
    assert seen.send_by is not None
    assert (seen.send_by < now) == bool(expected)


def test_other_kinds_have_no_last_moment() -> None:
    assert claims.send_by(WISH) is None


@pytest.mark.parametrize(
    ("phone", "number", "hospital", "expected"),
    [
        (OUR_PHONE, OURS, "瑞金医院", ()),
        (OUR_PHONE, OURS, "徐家汇街道社区卫生服务中心", ("first_grade_vaccination",)),
        # No vaccination benefit on the plan, and one that is used up.
        ("13800000201", "YX2026-000201", "瑞金医院", ("no_vaccine_benefit",)),
        ("13800000201", "YX2026-000202", "瑞金医院", ("vaccine_used_up",)),
    ],
)
def test_warnings_of_a_vaccination(
    store: Store,
    bound: Callable[..., int],
    now: datetime,
    phone: str,
    number: str,
    hospital: str,
    expected: tuple[str, ...],
) -> None:
    wish = replace(WISH, kind=ClaimKind.VACCINATION, hospital=hospital)
    who = bound(phone)
    assert claims.check_wish(store, identity_id=who, number=number, wish=wish, now=now) == expected


def test_nobody_opens_or_judges_a_claim_on_another_family_s_policy(
    store: Store, bound: Callable[..., int], new_identity: Callable[[str], int], now: datetime
) -> None:
    stranger, unbound, before = bound(THEIR_PHONE), new_identity("nobody"), count(store)
    for who, error in ((stranger, NotFound), (unbound, NotBound)):
        with pytest.raises(error):
            claims.open_claim(store, identity_id=who, number=OURS, wish=WISH, now=now)
        with pytest.raises(error):
            claims.check_wish(store, identity_id=who, number=OURS, wish=WISH, now=now)
        with pytest.raises(error):
            claims.judge_day(
                store, identity_id=who, number=OURS, visited_on=WISH.visited_on, now=now
            )
    assert count(store) == before


def test_nobody_sees_another_family_s_claims(
    store: Store, bound: Callable[..., int], new_identity: Callable[[str], int]
) -> None:
    parent, stranger = bound(THEIR_PHONE), bound(OUR_PHONE, account="stranger")
    assert len(claims.claims(store, identity_id=parent)) == 3
    assert claims.claims(store, identity_id=stranger) == []
    assert claims.claims(store, identity_id=stranger, number=THEIRS) == []
    assert claims.claims(store, identity_id=new_identity("nobody")) == []


def test_how_the_demonstration_claims_stand(store: Store, bound: Callable[..., int]) -> None:
    known = {c.reference: c for c in claims.claims(store, identity_id=bound(THEIR_PHONE))}
    assert known["C3001"].missing == ("itemised_bill", "claim_form")
    assert known["C3002"].due_at == datetime(2026, 12, 1, 23, 59, 59, tzinfo=TZ)
    assert known["C3003"].status == "paid"
