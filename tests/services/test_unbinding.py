"""Unbinding: the account's own bindings, nobody else's, and nothing is seen afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.rules.notifications import NotificationKind
from bot.services import policies
from bot.services.data_export import request_export
from bot.services.errors import NotBound, NotFound
from bot.services.identity import choices, choose
from bot.services.notifications import notify, notify_account
from bot.services.unbinding import BoundHousehold, Unbound, households, unbind
from bot.store.files import FileStore
from bot.store.models import AuditEntry, Binding, ChatIdentity, OutboxMessage, Policy
from bot.store.session import Store

ONE, TWO = "13800000101", "13800000201"
XIAOMAN, MUCHEN, MUYAO = "YX2026-000101", "YX2026-000201", "YX2026-000202"
Bound = Callable[..., int]


def tell(store: Store, number: str, now: datetime) -> None:
    with store.begin() as session:
        policy = session.scalar(sa.select(Policy.id).where(Policy.number == number))
        notify(
            session,
            policy_id=policy,
            kind=NotificationKind.CLAIM_PAID,
            text="notify_claim_paid",
            values={"child": "孩子", "reference": "C1", "amount": "1.00", "account": ""},
            key=f"claim:{number}",
            due_at=now,
        )


def waiting(store: Store, identity_id: int) -> list[str]:
    with store.read() as session:
        query = sa.select(OutboxMessage.idempotency_key).where(
            OutboxMessage.identity_id == identity_id, OutboxMessage.status == "pending"
        )
        return [str(key).rpartition(":")[0] for key in session.scalars(query)]


def test_a_binding_opens_a_household_with_all_its_children(store: Store, bound: Bound) -> None:
    parent = bound(ONE, TWO)
    assert households(store, identity_id=parent) == (
        BoundHousehold((XIAOMAN,), ("王小满",)),
        BoundHousehold((MUCHEN, MUYAO), ("李沐宸", "李沐瑶")),
    )


def test_nothing_is_bound(store: Store, bound: Bound) -> None:
    assert households(store, identity_id=bound()) == ()


def test_one_household_of_two_is_taken_back(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE, TWO)
    done = unbind(store, files, identity_id=parent, numbers=[MUYAO], now=now)
    assert done == Unbound(("李沐宸", "李沐瑶"), ("王小满",))
    assert [c.number for c in choices(store, parent)] == [XIAOMAN]
    with pytest.raises(NotFound):
        policies.overview(store, identity_id=parent, number=MUCHEN, now=now)


def test_all_are_taken_back_and_twice_is_once(
    store: Store, files: FileStore, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent = bound(ONE, TWO)
    done = unbind(store, files, identity_id=parent, numbers=None, now=now)
    assert done == Unbound(("王小满", "李沐宸", "李沐瑶"), ())
    assert unbind(store, files, identity_id=parent, numbers=None, now=now) == Unbound((), ())
    with pytest.raises(NotBound):
        policies.overview(store, identity_id=parent, number=XIAOMAN, now=now)
    assert count(AuditEntry, action="unbind") == 2


def test_other_members_of_the_family_stay_bound(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    mother, father = bound(ONE, account="mother"), bound(ONE, account="father")
    unbind(store, files, identity_id=mother, numbers=None, now=now)
    assert [c.number for c in choices(store, father)] == [XIAOMAN]


def test_a_policy_of_another_family_is_passed_over(
    store: Store, files: FileStore, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent, _ = bound(ONE), bound(TWO, account="other")
    assert unbind(store, files, identity_id=parent, numbers=[MUCHEN], now=now).children == ()
    assert count(Binding) == 2


def test_the_policy_that_was_chosen_is_forgotten_with_its_binding(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE, TWO)
    choose(store, parent, MUCHEN)
    unbind(store, files, identity_id=parent, numbers=[XIAOMAN], now=now)
    with store.read() as session:
        assert session.get(ChatIdentity, parent).current_policy_id is not None
    unbind(store, files, identity_id=parent, numbers=[MUCHEN], now=now)
    with store.read() as session:
        assert session.get(ChatIdentity, parent).current_policy_id is None


def test_messages_that_wait_are_dropped_for_this_account_and_these_policies_alone(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    mother, father = bound(ONE, TWO, account="mother"), bound(TWO, account="father")
    tell(store, XIAOMAN, now)
    tell(store, MUCHEN, now)
    with store.begin() as session:
        notify_account(
            session,
            identity_id=mother,
            kind=NotificationKind.COMPLAINT_ANSWERED,
            text="notify_complaint_answered",
            values={"reference": "F1", "answer": "好"},
            key="complaint:1",
            due_at=now,
        )
    unbind(store, files, identity_id=mother, numbers=[MUCHEN], now=now)
    assert waiting(store, mother) == [f"claim:{XIAOMAN}", "complaint:1"]
    assert waiting(store, father) == [f"claim:{MUCHEN}"]


def test_copies_of_the_data_are_withdrawn(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE)
    request_export(store, files, "secret", identity_id=parent, now=now)
    assert len(list(files.stored())) == 1
    unbind(store, files, identity_id=parent, numbers=None, now=now)
    assert list(files.stored()) == []


def test_the_audit_names_the_household_and_nobody_in_it(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE)
    unbind(store, files, identity_id=parent, numbers=None, now=now)
    with store.read() as session:
        (entry,) = session.scalars(sa.select(AuditEntry)).all()
    assert (entry.actor, entry.action) == (f"identity:{parent}", "unbind")
    assert entry.subject.startswith("household:")
    assert entry.detail == {}
