"""A parent's moves: sending in, withdrawing, courier number, bank account (C1 to C6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from bot.clock import TZ
from bot.rules.claims import ClaimKind
from bot.services import claim_progress as progress
from bot.services import claims
from bot.services.claim_progress import BankAccount
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import AuditEntry, Claim, ClaimEvent
from bot.store.session import Store

OURS, OUR_PHONE, THEIR_PHONE = "YX2026-000101", "13800000101", "13800000301"
CARD, BRANCH = "6222021234567890128", "招商银行上海徐家汇支行"
Opened = Callable[..., str]
Bound = Callable[..., int]


@pytest.fixture
def who(bound: Bound) -> int:
    return bound(OUR_PHONE)


def row(store: Store, reference: str) -> Claim:
    with store.read() as session:
        found: Claim = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        assert found.events is not None
        return found


def set_status(store: Store, reference: str, status: str) -> None:
    with store.begin() as session:
        found = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        found.status = status


def refused(job: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        job()
    return caught.value.reason


# ---- sending in


@pytest.mark.parametrize("kind", ["public_outpatient", "internet", "vaccination"])
def test_a_complete_claim_is_sent_in_and_due_in_three_working_days(
    store: Store, who: int, claim: Opened, now: datetime, kind: str
) -> None:
    """C1, C3, C4: Monday's claim is settled by the end of Thursday."""
    reference = claim(who, kind=ClaimKind(kind), complete=True)
    seen, new = progress.submit(store, identity_id=who, reference=reference, now=now)
    assert new
    assert (seen.status, seen.submitted_at) == ("submitted", now)
    assert seen.due_at == datetime(2026, 11, 26, 23, 59, 59, tzinfo=TZ)
    with store.read() as session:
        events = session.execute(
            sa.select(ClaimEvent.previous, ClaimEvent.status, ClaimEvent.actor).order_by(
                ClaimEvent.id
            )
        ).all()
    actor = f"identity:{who}"
    assert [tuple(e) for e in events] == [
        (None, "draft", actor),
        ("draft", "submitted", actor),
    ]


def test_a_stay_in_hospital_is_due_once_the_originals_are_there(
    store: Store, who: int, claim: Opened, now: datetime
) -> None:
    """C2: the ten working days wait for the originals."""
    reference = claim(who, kind=ClaimKind.PUBLIC_INPATIENT, complete=True)
    seen, _ = progress.submit(store, identity_id=who, reference=reference, now=now)
    assert seen.due_at is None
    assert seen.needs_originals


def test_sending_in_twice_changes_nothing(
    store: Store, who: int, claim: Opened, now: datetime
) -> None:
    reference = claim(who, complete=True)
    first, _ = progress.submit(store, identity_id=who, reference=reference, now=now)
    later = now + timedelta(days=2)
    again, new = progress.submit(store, identity_id=who, reference=reference, now=later)
    assert (again, new) == (first, False)
    assert len(row(store, reference).events) == 2


def test_one_document_missing_keeps_it_back(
    store: Store, who: int, claim: Opened, received: Callable[..., None], now: datetime
) -> None:
    reference = claim(who)
    received(reference, "invoice")
    job = lambda: progress.submit(store, identity_id=who, reference=reference, now=now)  # noqa: E731
    assert refused(job) == "papers_missing"
    assert claims.claims(store, identity_id=who)[0].missing == ("invoice",)
    received(reference)
    assert job()[1]


@pytest.mark.parametrize("status", ["approved", "partly_approved", "rejected", "paid", "withdrawn"])
def test_what_is_over_is_not_sent_in(
    store: Store, who: int, claim: Opened, now: datetime, status: str
) -> None:
    reference = claim(who, complete=True)
    set_status(store, reference, status)
    assert (
        refused(lambda: progress.submit(store, identity_id=who, reference=reference, now=now))
        == "claim_over"
    )


def test_two_taps_at_once_send_in_once(
    store: Store, who: int, claim: Opened, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = claim(who, complete=True)
    real = progress.set_due

    def meanwhile(found: Claim, at: datetime) -> None:
        real(found, at)
        # As if it had been read before somebody else's change.
        set_committed_value(found, "version", 0)

    monkeypatch.setattr(progress, "set_due", meanwhile)
    with pytest.raises(Conflict):
        progress.submit(store, identity_id=who, reference=reference, now=now)
    assert row(store, reference).status == "draft"


# ---- withdrawing


@pytest.mark.parametrize("status", ["draft", "submitted", "documents_missing"])
def test_a_claim_is_withdrawn_and_the_visit_can_be_claimed_anew(
    store: Store, who: int, claim: Opened, now: datetime, status: str
) -> None:
    reference = claim(who)
    set_status(store, reference, status)
    seen, new = progress.withdraw(store, identity_id=who, reference=reference, now=now)
    assert (seen.status, new) == ("withdrawn", True)
    assert progress.withdraw(store, identity_id=who, reference=reference, now=now)[1] is False
    anew = claim(who)
    assert anew != reference


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("settling", "settling"),
        *((s, "claim_over") for s in ("approved", "partly_approved", "rejected", "paid")),
    ],
)
def test_what_is_settled_cannot_be_withdrawn(
    store: Store, who: int, claim: Opened, now: datetime, status: str, reason: str
) -> None:
    reference = claim(who)
    set_status(store, reference, status)
    job = lambda: progress.withdraw(store, identity_id=who, reference=reference, now=now)  # noqa: E731
    assert refused(job) == reason
    assert row(store, reference).status == status


# ---- the courier's number


def test_the_number_is_noted_and_corrected(
    store: Store, who: int, claim: Opened, now: datetime
) -> None:
    """C2: the originals of a stay in hospital come by courier."""
    reference = claim(who, kind=ClaimKind.PUBLIC_INPATIENT)
    for number in ("SF1234567890123", "SF1234567890124"):
        seen = progress.set_tracking(
            store, identity_id=who, reference=reference, number=number, now=now
        )
        assert seen.tracking == number
    with store.read() as session:
        noted = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "claim.tracking")
        ).all()
    assert [entry.detail["number"] for entry in noted] == ["SF1234567890123", "SF1234567890124"]


def test_what_can_be_no_number_or_needs_none_is_refused(
    store: Store, who: int, claim: Opened, now: datetime
) -> None:
    stay = claim(who, kind=ClaimKind.PUBLIC_INPATIENT)
    visit = claim(who)

    def note(reference: str, number: str = "SF1234567890123") -> str:
        return refused(
            lambda: progress.set_tracking(
                store, identity_id=who, reference=reference, number=number, now=now
            )
        )

    assert note(stay, "SF1") == "tracking"
    assert note(visit) == "no_originals"
    with store.begin() as session:
        found = session.scalars(sa.select(Claim).where(Claim.reference == stay)).one()
        found.originals_received_at = now
    assert note(stay) == "originals_here"
    with store.begin() as session:
        found = session.scalars(sa.select(Claim).where(Claim.reference == stay)).one()
        found.originals_received_at, found.status = None, "withdrawn"
    assert note(stay) == "claim_over"


# ---- the bank account


def test_the_account_is_sealed_and_counts_as_received(
    store: Store, who: int, claim: Opened, now: datetime
) -> None:
    """C6: card number and branch, readable for whoever pays alone."""
    reference = claim(who)
    seen = progress.set_bank_account(
        store,
        identity_id=who,
        reference=reference,
        account=BankAccount("6222 0212 3456 7890 128", BRANCH),
        now=now,
    )
    assert seen.bank_tail == "0128"
    assert "bank_account" not in seen.missing
    stored = row(store, reference)
    assert stored.bank_account is not None
    assert progress.open_account(stored.bank_account) == BankAccount(CARD, BRANCH)
    with store.engine.connect() as connection:
        everything = str(connection.execute(sa.text("SELECT * FROM claim")).all())
        everything += str(connection.execute(sa.text("SELECT * FROM audit_entry")).all())
    assert CARD not in everything
    assert CARD[:12] not in everything
    assert BRANCH not in everything


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (BankAccount("6222021234567890127", BRANCH), "card"),
        (BankAccount("13800000101", BRANCH), "card"),
        (BankAccount(CARD, "招商银行"), "branch"),
    ],
)
def test_a_wrong_account_is_refused(
    store: Store, who: int, claim: Opened, now: datetime, account: BankAccount, reason: str
) -> None:
    reference = claim(who)
    assert (
        refused(
            lambda: progress.set_bank_account(
                store, identity_id=who, reference=reference, account=account, now=now
            )
        )
        == reason
    )
    assert row(store, reference).bank_account is None


@pytest.mark.parametrize(
    "status", ["settling", "approved", "partly_approved", "rejected", "paid", "withdrawn"]
)
def test_the_account_is_fixed_once_settling_begins(
    store: Store, who: int, claim: Opened, now: datetime, status: str
) -> None:
    reference = claim(who)
    set_status(store, reference, status)
    job = lambda: progress.set_bank_account(  # noqa: E731
        store, identity_id=who, reference=reference, account=BankAccount(CARD, BRANCH), now=now
    )
    assert refused(job) == "bank_fixed"


# ---- whose it is


def test_nobody_touches_another_familys_claim(
    store: Store, bound: Bound, new_identity: Callable[[str], int], now: datetime
) -> None:
    stranger, unbound = bound(OUR_PHONE), new_identity("nobody")
    account = BankAccount(CARD, BRANCH)
    for identity in (stranger, unbound):
        jobs: tuple[Callable[[], object], ...] = (
            lambda i=identity: progress.submit(store, identity_id=i, reference="C3001", now=now),
            lambda i=identity: progress.withdraw(store, identity_id=i, reference="C3001", now=now),
            lambda i=identity: progress.set_tracking(
                store, identity_id=i, reference="C3002", number="SF1234567890123", now=now
            ),
            lambda i=identity: progress.set_bank_account(
                store, identity_id=i, reference="C3001", account=account, now=now
            ),
        )
        for job in jobs:
            with pytest.raises(NotFound):
                job()
    assert row(store, "C3001").status == "documents_missing"


def test_a_demonstration_claim_goes_on_from_where_it_is(
    store: Store, bound: Bound, received: Callable[..., None], now: datetime
) -> None:
    who = bound(THEIR_PHONE)
    received("C3001")
    seen, new = progress.submit(store, identity_id=who, reference="C3001", now=now)
    assert (seen.status, new) == ("submitted", True)
    event = row(store, "C3001").events[-1]
    assert (event.previous, event.status) == ("documents_missing", "submitted")
    assert seen.due_at is not None
    assert seen.due_at.date() == date(2026, 11, 26)
