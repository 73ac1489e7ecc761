"""What was due on a day, and whether it was done by then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.clock import TZ
from bot.rules.authorizations import Paper
from bot.rules.claims import ClaimState
from bot.rules.handoffs import LONGEST_WAIT, AgentStatus, Wish
from bot.services import (
    appointment_desk,
    appointments,
    authorization_desk,
    claim_progress,
    claim_settlement,
    claims,
    complaints,
    consultation_desk,
    consultations,
    data_requests,
    handoff_desk,
    handoff_timers,
    handoffs,
    live_chat,
    office_hours,
    presence,
)
from bot.services.authorization_requests import AuthorizationWish
from bot.services.authorization_requests import submit as apply_for
from bot.services.claim_settlement import Decision, Staff
from bot.services.figures import figures
from bot.services.figures_due import Overdue
from bot.services.identity import identify
from bot.store.files import FileStore
from bot.store.session import Store

PHONE, NUMBER = "13800000101", "YX2026-000101"
HOSPITAL, DEPARTMENT = "上海新华医院镜朗高级专家诊疗部", "耳鼻喉科"
STAFF = "staff:lin"
DAY = date(2026, 11, 23)  # a Monday
LIN = 1
NONE = Overdue(0, 0, 0)


def clock(hours: int, minutes: int = 0, seconds: int = 0, *, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hours, minutes, seconds, tzinfo=TZ)


@pytest.fixture
def due(store: Store) -> Callable[..., Overdue]:
    """Return how a kind stands at a time, of what was due on that day of November, or another."""

    def stands(name: str, now: datetime, day: int | None = None) -> Overdue:
        of = DAY.replace(day=day or now.day)
        return figures(store, day=of, now=now).overdue[name]

    return stands


Stands = Callable[..., Overdue]


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    return bound(PHONE)


# ---- conversations


@pytest.fixture
def ask(store: Store, new_identity: Callable[[str], int]) -> Callable[..., int]:
    def wait(account: str, at: datetime, reason: str = "asked") -> int:
        who = new_identity(account)
        return handoffs.request_handoff(store, identity_id=who, reason=reason, now=at).place.id

    return wait


def accept(store: Store, number: int, at: datetime) -> None:
    presence.set_presence(store, agent_id=LIN, name="小林", status=AgentStatus.ONLINE, now=at)
    handoff_desk.accept(store, handoff_id=number, agent_id=LIN, now=at)


def answer(store: Store, number: int, at: datetime) -> None:
    accept(store, number, at)
    live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text="您好", now=at)


def test_the_first_answer_within_three_minutes(
    store: Store, ask: Callable[..., int], due: Stands
) -> None:
    kept, late, waits = (ask(name, clock(10)) for name in ("kept", "late", "waits"))
    assert due("first_answer", clock(10, 3)) == NONE
    answer(store, kept, clock(10, 3))
    answer(store, late, clock(10, 3, 1))
    assert due("first_answer", clock(10, 3, 1)) == Overdue(1, 1, 2)
    # Neither a message from the bot nor to take it up is an answer.
    accept(store, waits, clock(10, 4))
    assert due("first_answer", clock(10, 4)) == Overdue(1, 1, 2)
    answer(store, waits, clock(10, 5))
    assert due("first_answer", clock(10, 5)) == Overdue(0, 1, 2)


def test_an_emergency_is_answered_within_a_minute_at_any_hour(
    store: Store, ask: Callable[..., int], due: Stands
) -> None:
    at = clock(23, 59, 30)
    number = ask("parent", at, "emergency")
    ask("other", at)
    # Due half a minute after midnight, while the other one's goal waits for the office.
    assert due("first_answer", clock(0, 0, 31, day=24)) == Overdue(1, 0, 1)
    answer(store, number, clock(0, 1, day=24))
    assert due("first_answer", clock(0, 1, day=24)) == Overdue(0, 0, 1)
    assert due("first_answer", clock(0, 1, day=24), day=23) == NONE


def test_who_asks_in_the_night_is_answered_in_the_morning(
    store: Store, ask: Callable[..., int], due: Stands
) -> None:
    # Nobody is there on Saturday and Sunday.
    for day in (21, 22):
        office_hours.set_day(store, day=DAY.replace(day=day), spans=[], actor=STAFF, now=clock(8))
    kept, late = ask("kept", clock(22, day=20)), ask("late", clock(12, day=22))
    answer(store, kept, clock(8, 2))
    answer(store, late, clock(8, 4))
    assert due("first_answer", clock(9)) == Overdue(0, 1, 1)
    for day in (20, 22):
        assert due("first_answer", clock(9), day=day) == NONE


def test_who_was_forgotten_for_days_is_overdue_still(ask: Callable[..., int], due: Stands) -> None:
    ask("parent", clock(10, day=19))
    assert due("first_answer", clock(10)) == Overdue(1, 0, 0)
    assert due("first_answer", clock(10), day=19) == Overdue(1, 0, 1)


def test_words_about_a_complaint_are_no_answer_to_a_chat(
    store: Store, ask: Callable[..., int], due: Stands
) -> None:
    answer(store, ask("parent", clock(10), "complaint"), clock(12))
    assert due("first_answer", clock(13)) == NONE


def test_an_end_without_a_word(store: Store, ask: Callable[..., int], due: Stands) -> None:
    patient, hasty, nobody = (ask(name, clock(10)) for name in ("patient", "hasty", "nobody"))
    for account, at in (("hasty", clock(10, 2)), ("patient", clock(10, 20))):
        assert handoffs.give_up(store, identity_id=identify(store, "rest", account).id, now=at)
    handoff_timers.tick(store, clock(10) + LONGEST_WAIT)
    # Who gave up before the goal was not let down.
    assert due("first_answer", clock(11)) == Overdue(0, 0, 2)
    settled = ask("settled", clock(12))
    accept(store, settled, clock(12, 1))
    handoff_desk.resolve(store, handoff_id=settled, agent_id=LIN, now=clock(12, 2))
    assert due("first_answer", clock(13)) == Overdue(0, 1, 2)
    assert len({patient, hasty, nobody}) == 3


def test_what_was_left_has_two_hours(
    store: Store, new_identity: Callable[[str], int], due: Stands
) -> None:
    def leave(account: str) -> int:
        who = new_identity(account)
        return handoffs.leave_contact(
            store, identity_id=who, wish=Wish.MESSAGE, message="发票", now=clock(10)
        ).place.id

    written, called, waits, late = (leave(name) for name in ("a", "b", "c", "d"))
    leave("e")
    answer(store, written, clock(11))
    accept(store, called, clock(11))
    handoff_desk.resolve(store, handoff_id=called, agent_id=LIN, now=clock(12))
    assert handoffs.give_up(store, identity_id=new_identity("e"), now=clock(11))
    assert due("contacts", clock(12)) == Overdue(0, 2, 0)
    assert due("contacts", clock(12, 0, 1)) == Overdue(2, 2, 2)
    answer(store, late, clock(12, 30))
    # To take it up is not to deal with it.
    accept(store, waits, clock(12, 30))
    assert due("contacts", clock(13)) == Overdue(1, 2, 2)
    # An answer in writing to what was left is no late answer to a chat.
    assert due("first_answer", clock(13)) == NONE


# ---- visits and calls


@pytest.fixture
def book(store: Store, parent: int) -> Callable[..., str]:
    """Ask for a visit; due at the end of the second working day after."""

    def asked(day: int, at: datetime) -> str:
        seen, _ = appointments.book(
            store,
            identity_id=parent,
            number=NUMBER,
            hospital=HOSPITAL,
            department=DEPARTMENT,
            wish=appointments.Wish(date(2026, 12, day), time(10), None),
            now=at,
        )
        return seen.reference

    return asked


def test_visits_are_arranged_by_the_end_of_the_second_working_day(
    store: Store, book: Callable[..., str], due: Stands
) -> None:
    kept, declined, late, waits = (book(day, clock(10)) for day in (8, 9, 10, 11))
    staff: dict[str, Any] = {"actor": STAFF}
    appointment_desk.confirm(store, reference=kept, now=clock(11), **staff)
    appointment_desk.decline(store, reference=declined, reason="没有号", now=clock(12), **staff)
    # Done before its day: met already.
    assert due("appointments", clock(9, day=25)) == Overdue(0, 2, 0)
    appointment_desk.confirm(store, reference=late, now=clock(0, day=26), **staff)
    assert due("appointments", clock(9, day=26), day=25) == Overdue(1, 2, 2)
    assert due("appointments", clock(9, day=26)) == Overdue(1, 0, 0)
    assert waits != late


def test_a_visit_called_off_or_moved_later_was_arranged_in_time(
    store: Store, book: Callable[..., str], due: Stands
) -> None:
    off, moved = book(8, clock(10)), book(9, clock(10))
    for reference in (off, moved):
        appointment_desk.confirm(store, reference=reference, actor=STAFF, now=clock(11))
    later = clock(9, day=27)
    appointment_desk.call_off(store, reference=off, actor=STAFF, reason="停诊", now=later)
    visit = datetime(2026, 12, 9, 14, tzinfo=TZ)
    appointment_desk.change(store, reference=moved, actor=STAFF, visit_at=visit, now=later)
    assert due("appointments", later, day=25) == Overdue(0, 2, 0)


# Asked for anew the next day, or in the same moment.
@pytest.mark.parametrize("confirmed", [clock(11), clock(10, day=24)])
def test_a_visit_asked_for_anew_waits_anew(
    store: Store, book: Callable[..., str], parent: int, due: Stands, confirmed: datetime
) -> None:
    reference, at = book(8, clock(10)), clock(10, day=24)
    appointment_desk.confirm(store, reference=reference, actor=STAFF, now=confirmed)
    appointments.reschedule(
        store,
        identity_id=parent,
        reference=reference,
        wish=appointments.Wish(date(2026, 12, 15), time(10), None),
        now=at,
        late_accepted=False,
    )
    assert due("appointments", clock(9, day=27), day=26) == Overdue(1, 0, 1)
    if confirmed != at:
        appointment_desk.confirm(store, reference=reference, actor=STAFF, now=clock(10, day=27))
        assert due("appointments", clock(10, day=27), day=26) == Overdue(0, 0, 1)


def test_a_visit_taken_back_before_it_was_arranged_counts_nowhere(
    store: Store, book: Callable[..., str], parent: int, due: Stands
) -> None:
    reference = book(8, clock(10))
    appointments.cancel(
        store, identity_id=parent, reference=reference, now=clock(12), late_accepted=False
    )
    assert due("appointments", clock(9, day=26), day=25) == NONE


def test_the_doctor_calls_within_two_hours(store: Store, parent: int, due: Stands) -> None:
    def call(phone: str) -> str:
        return consultations.request_phone_consultation(
            store, identity_id=parent, number=NUMBER, symptom="咳嗽", phone=phone, now=clock(10)
        )[0].reference

    kept, late, back, waits = (call(f"1391234567{n}") for n in range(4))
    consultation_desk.called_back(store, reference=kept, actor=STAFF, now=clock(12))
    consultations.cancel_phone_consultation(
        store, identity_id=parent, reference=back, now=clock(11)
    )
    assert due("consultations", clock(12)) == Overdue(0, 1, 0)
    consultation_desk.called_back(store, reference=late, actor=STAFF, now=clock(12, 1))
    # Closed for the record the day after: the call itself was in time.
    consultation_desk.close(
        store, reference=kept, actor=STAFF, reason="已看诊", now=clock(9, day=24)
    )
    assert due("consultations", clock(9, day=24), day=23) == Overdue(1, 1, 2)
    consultation_desk.close(
        store, reference=waits, actor=STAFF, reason="打不通", now=clock(9, day=24)
    )
    assert due("consultations", clock(9, day=24), day=23) == Overdue(0, 1, 2)


# ---- papers


def test_authorizations_are_decided_before_the_day_of_treatment(
    store: Store, parent: int, due: Stands
) -> None:
    def apply(treatment: str) -> str:
        wish = AuthorizationWish(treatment, HOSPITAL, date(2026, 11, 27))
        given: dict[str, Any] = {"number": NUMBER, "wish": wish, "now": clock(10)}
        return apply_for(store, identity_id=parent, **given)[0].reference

    def do(what: Callable[..., object], reference: str, at: datetime, **more: Any) -> None:
        version = authorization_desk.look_up(store, reference).version
        what(store, reference=reference, actor=STAFF, version=version, now=at, **more)

    kept, late, waits = (apply(name) for name in ("斜视手术", "疝气手术", "腺样体手术"))
    for reference in (kept, late, waits):
        do(authorization_desk.take_up, reference, clock(11))
    papers = [Paper.MEDICAL_RECORD]
    do(authorization_desk.ask_for_papers, waits, clock(11), papers=papers)
    do(authorization_desk.approve, kept, clock(23, 59, 59, day=26))
    assert due("authorizations", clock(23, 59, 59, day=26)).now == 0
    do(authorization_desk.decline, late, clock(8, day=27), reason="不在保障内")
    assert due("authorizations", clock(9, day=27)) == Overdue(1, 1, 2)
    assert due("authorizations", clock(9, day=28)).now == 1


def test_claims_are_settled_and_paid_in_time(
    store: Store, parent: int, claim: Callable[..., str], due: Stands
) -> None:
    def staff(at: datetime) -> Staff:
        known = claims.claims(store, identity_id=parent)
        return Staff(STAFF, at, next(c.version for c in known if c.reference == reference))

    # Sent in on Monday: settled by Thursday, paid within two working days of that.
    reference = claim(parent, complete=True)
    claim_progress.submit(store, identity_id=parent, reference=reference, now=clock(10))
    claim_settlement.start_settling(store, reference=reference, staff=staff(clock(11)))
    assert due("claims", clock(9, day=26)) == NONE
    approved = Decision(ClaimState.APPROVED, Decimal(580))
    claim_settlement.decide(
        store, reference=reference, decision=approved, staff=staff(clock(12, day=26))
    )
    assert due("claims", clock(13, day=26)) == Overdue(0, 1, 0)
    # Due on Monday the 30th.
    assert due("payouts", clock(23, 59, 59, day=30)) == NONE
    night = datetime(2026, 12, 1, tzinfo=TZ)
    assert figures(store, day=date(2026, 11, 30), now=night).overdue["payouts"] == Overdue(1, 0, 1)
    claim_settlement.pay(store, reference=reference, staff=staff(night))
    assert figures(store, day=date(2026, 11, 30), now=night).overdue["payouts"] == Overdue(0, 0, 1)


def test_complaints_and_erasures(store: Store, files: FileStore, parent: int, due: Stands) -> None:
    for text, answered in (("没人理", clock(12, day=25)), ("还是没人理", clock(0, day=26))):
        seen, _ = complaints.file_complaint(
            store, identity_id=parent, kind="complaint", text=text, now=clock(10)
        )
        complaints.take_up(store, reference=seen.reference, actor=STAFF, now=clock(11))
        complaints.resolve(
            store, reference=seen.reference, actor=STAFF, answer="已处理", now=answered
        )
    assert due("complaints", clock(9, day=26), day=25) == Overdue(0, 1, 1)
    wish, _ = data_requests.request_erasure(store, identity_id=parent, now=clock(10))
    assert wish.due_at is not None
    later = wish.due_at + timedelta(seconds=1)
    stands = figures(store, day=wish.due_at.date(), now=later).overdue["data"]
    assert stands == Overdue(1, 0, 1)
    data_requests.take_up(store, reference=wish.reference, actor=STAFF, now=clock(11))
    data_requests.erase(store, files, reference=wish.reference, actor=STAFF, now=wish.due_at)
    stands = figures(store, day=wish.due_at.date(), now=later).overdue["data"]
    assert stands == Overdue(0, 1, 0)
