"""Complaints and wishes for erasure as staff see them, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.rules.handoffs import HandOffState
from bot.services import complaint_desk, data_desk, data_requests, handoffs, staff_users
from bot.services import complaints as service
from bot.services.complaint_desk import Insured
from bot.services.errors import NotFound
from bot.store.session import Store

ONE, TWO = "13800000101", "13800000201"
NUMBER = "YX2026-000101"
XIAOMAN = Insured("王小满", NUMBER)


def filed(store: Store, who: int, now: datetime, text: str = "慢", **given: Any) -> str:
    given = {"kind": "complaint", "number": NUMBER} | given
    seen, _ = service.file_complaint(store, identity_id=who, text=text, now=now, **given)
    return seen.reference


def answer(store: Store, reference: str, now: datetime, actor: str = "staff:lin") -> None:
    given = {"reference": reference, "actor": actor, "now": now}
    service.take_up(store, **given)
    service.resolve(store, answer="好", **given)


def numbers(found: tuple[complaint_desk.DeskComplaint, ...]) -> list[str]:
    return [one.complaint.reference for one in found]


def test_open_ones_by_due_time_then_answered_ones_the_latest_first(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    who = bound(ONE)
    first, second, third, fourth = (
        filed(store, who, now - timedelta(days=days), text=str(days)) for days in (9, 3, 6, 0)
    )
    answer(store, first, now)
    answer(store, fourth, now + timedelta(hours=1))
    assert numbers(complaint_desk.listed(store)) == [third, second]
    assert numbers(complaint_desk.listed(store, state="resolved")) == [fourth, first]
    assert numbers(complaint_desk.listed(store, query="王小满")) == [third, second, fourth, first]
    assert complaint_desk.listed(store, state="resolved", query="周") == ()
    with pytest.raises(ValueError, match="nonsense"):
        complaint_desk.listed(store, state="nonsense")


def test_one_that_is_about_no_policy_is_found_by_its_number(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    reference = filed(store, new_identity("parent"), now)
    (found,) = complaint_desk.listed(store, query=reference.lower())
    assert (found.complaint.reference, found.insured) == (reference, None)
    # A sign that databases take for any text is none here.
    assert complaint_desk.listed(store, query="%") == ()


def test_who_took_it_up_by_name(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    lin = next(user for user in staff_users.staff(store) if user.login == "lin")
    who = new_identity("parent")
    taken, other = filed(store, who, now), filed(store, who, now, text="贵")
    service.take_up(store, reference=taken, actor=f"agent:{lin.id}", now=now)
    found = {one.complaint.reference: one.taken for one in complaint_desk.listed(store)}
    entry = found[taken]
    assert entry is not None
    assert (entry.who, entry.at) == ("小林", now)
    assert found[other] is None


def test_what_the_answer_depends_on_is_this_accounts_alone(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    mother, father = bound(ONE, account="mother"), bound(TWO, account="father")
    reference = filed(store, mother, now)
    handoffs.request_handoff(store, identity_id=father, reason="asked", now=now)
    handoffs.request_handoff(store, identity_id=mother, reason="asked", now=now)
    found = complaint_desk.look_up(store, reference=reference)
    assert found.seen.insured == XIAOMAN
    assert found.policies == (XIAOMAN,)
    # The one that is talked in stands before the one that waits for the answer.
    assert [(talk.reason, talk.status) for talk in found.talks] == [
        ("asked", HandOffState.QUEUED),
        ("complaint", HandOffState.QUEUED),
    ]
    answer(store, reference, now)
    after = complaint_desk.look_up(store, reference=reference)
    assert ([talk.reason for talk in after.talks], after.answered_at) == (["asked"], now)
    with pytest.raises(NotFound):
        complaint_desk.look_up(store, reference="F99999")


def test_wishes_for_erasure_by_due_time_until_they_are_decided(
    store: Store, now: datetime, bound: Callable[..., int], new_identity: Callable[[str], int]
) -> None:
    late = data_requests.request_erasure(store, identity_id=new_identity("other"), now=now)[0]
    early = data_requests.request_erasure(
        store, identity_id=bound(ONE), now=now - timedelta(days=7)
    )[0]
    first, second = data_desk.worklist(store)
    assert [first.request, second.request] == [early, late]
    assert (first.channel, first.policies, first.taken) == ("rest", (XIAOMAN,), None)
    assert second.policies == ()
    given = {"reference": early.reference, "actor": "staff:lin", "now": now}
    data_requests.take_up(store, **given)
    taken = data_desk.worklist(store)[0].taken
    assert taken is not None
    assert taken.who == "staff:lin"
    data_requests.refuse(store, reason="理赔没办完", **given)
    assert [one.request for one in data_desk.worklist(store)] == [late]
