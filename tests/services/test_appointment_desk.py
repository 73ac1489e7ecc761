"""Staff's decisions on visits: every state, every refusal, and what the parents are told."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.channels.reply import Text, render
from bot.clock import TZ
from bot.rules.states import AppointmentState
from bot.services import appointment_desk as desk
from bot.services import appointments, outbox
from bot.services.appointments import Wish
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import Appointment, AuditEntry, OutboxMessage
from bot.store.session import Store

PHONE, NUMBER = "13800000101", "YX2026-000101"
HOSPITAL, DEPARTMENT = "上海新华医院镜朗高级专家诊疗部", "耳鼻喉科"
DAY = date(2026, 12, 9)
VISIT = datetime(2026, 12, 9, 10, tzinfo=TZ)
AFTER = VISIT + timedelta(hours=3)
Book = Callable[..., str]


@pytest.fixture
def mother(bound: Any) -> int:
    identity: int = bound(PHONE, account="mother")
    return identity


@pytest.fixture
def book(store: Store, mother: int, now: datetime) -> Book:
    """Book as the mother; return the reference."""

    def ask(day: date = DAY, clock: time | None = time(10), part: str | None = None) -> str:
        seen, _ = appointments.book(
            store,
            identity_id=mother,
            number=NUMBER,
            hospital=HOSPITAL,
            department=DEPARTMENT,
            wish=Wish(day, clock, part),
            now=now,
        )
        return seen.reference

    return ask


@pytest.fixture
def staff(store: Store, now: datetime) -> Callable[..., Any]:
    """Do something as staff."""

    def do(what: Callable[..., Any], reference: str, **given: Any) -> Any:
        return what(store, reference=reference, **({"actor": "staff:陈", "now": now} | given))

    return do


def row_of(store: Store, reference: str) -> Appointment:
    with store.read() as session:
        query = sa.select(Appointment).where(Appointment.reference == reference)
        found: Appointment = session.scalars(query).one()
        return found


def told(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [(r.kind, t.text) for r in rows if isinstance(t := render(r.payload), Text)]


def test_confirm_as_wished(store: Store, book: Book, staff: Any, now: datetime) -> None:
    reference = book()
    seen = staff(desk.confirm, reference)
    assert (seen.status, seen.visit_at) == ("confirmed", VISIT)
    ((kind, said),) = told(store)
    assert kind == "appointment_confirmed"
    for part in (reference, "王小满", HOSPITAL, DEPARTMENT, "12月9日（周三） 10:00"):
        assert part in said
    assert "12月8日（周二） 16:00 前" in said
    row = row_of(store, reference)
    assert row.decided_at == now
    with store.read() as session:
        entry = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "appointment.confirm")
        ).one()
    assert (entry.actor, entry.subject) == ("staff:陈", f"appointment:{row.id}")


def test_confirm_gives_a_part_of_the_day_its_clock_time(
    store: Store, book: Book, staff: Any
) -> None:
    reference = book(clock=None, part="morning")
    at = VISIT.replace(hour=10, minute=30)
    assert staff(desk.confirm, reference, visit_at=at).day_part is None
    ((kind, said),) = told(store)
    assert kind == "appointment_confirmed"
    assert "12月9日（周三） 10:30" in said


def test_confirm_without_a_clock_time_keeps_the_part_of_the_day(
    store: Store, book: Book, staff: Any
) -> None:
    staff(desk.confirm, book(clock=None, part="afternoon"))
    assert "12月9日（周三） 下午" in told(store)[0][1]


@pytest.mark.parametrize(
    ("at", "when"),
    [
        (VISIT.replace(hour=14), "12月9日（周三） 14:00"),
        (VISIT + timedelta(days=1), "12月10日（周四） 10:00"),
    ],
)
def test_another_time_than_the_wished_one_is_told_as_a_change(
    store: Store, book: Book, staff: Any, at: datetime, when: str
) -> None:
    staff(desk.confirm, book(), visit_at=at)
    ((kind, said),) = told(store)
    assert kind == "appointment_changed"
    assert "原定 12月9日（周三） 10:00" in said
    assert f"现在是 {when}" in said


def test_confirmed_after_its_own_deadline_says_so(
    store: Store, book: Book, staff: Any, now: datetime
) -> None:
    reference = book(date(2026, 11, 24))
    staff(desk.confirm, reference, now=now.replace(hour=17))
    assert "已过" in told(store)[0][1]


def test_a_confirmed_visit_is_moved_by_the_hospital(store: Store, book: Book, staff: Any) -> None:
    reference = book()
    staff(desk.confirm, reference)
    seen = staff(desk.change, reference, visit_at=VISIT + timedelta(days=1))
    assert (seen.status, seen.visit_at) == ("confirmed", VISIT + timedelta(days=1))
    assert told(store)[-1][0] == "appointment_changed"
    # The same again is no second change.
    staff(desk.change, reference, visit_at=VISIT + timedelta(days=1))
    assert len(told(store)) == 2


def test_a_move_to_a_time_with_the_same_visit_is_refused(book: Book, staff: Any) -> None:
    one, two = book(), book(date(2026, 12, 10))
    staff(desk.confirm, one)
    staff(desk.confirm, two)
    with pytest.raises(Conflict):
        staff(desk.change, one, visit_at=VISIT + timedelta(days=1))


def test_a_move_past_the_deadline_asks_for_haste(store: Store, book: Book, staff: Any) -> None:
    reference = book()
    staff(desk.confirm, reference)
    eve = datetime(2026, 12, 8, 17, tzinfo=TZ)
    staff(desk.change, reference, visit_at=VISIT.replace(hour=15), now=eve)
    assert "尽快" in told(store)[-1][1]


def test_decline_with_a_reason(store: Store, book: Book, staff: Any) -> None:
    reference = book()
    assert staff(desk.decline, reference, reason="当天没有号了。").status == "declined"
    ((kind, said),) = told(store)
    assert kind == "appointment_declined"
    assert "原因：当天没有号了。" in said
    assert row_of(store, reference).decline_reason == "当天没有号了"
    # The same wish may be asked for again.
    assert book() != reference


def test_decline_with_another_proposal(store: Store, book: Book, staff: Any) -> None:
    reference, other = book(), VISIT + timedelta(days=2)
    staff(desk.decline, reference, reason="满了", proposal=other)
    assert "12月11日（周五） 10:00" in told(store)[0][1]
    assert row_of(store, reference).proposed_at == other


@pytest.mark.parametrize("reason", ["", "  ", "。", "长" * 61])
def test_a_reason_is_needed_and_short(store: Store, book: Book, staff: Any, reason: str) -> None:
    reference = book()
    with pytest.raises(ValueError, match="reason"):
        staff(desk.decline, reference, reason=reason)
    assert row_of(store, reference).status == "requested"
    assert told(store) == []


def test_the_hospital_calls_off_a_confirmed_visit(store: Store, book: Book, staff: Any) -> None:
    reference = book()
    staff(desk.confirm, reference)
    assert staff(desk.call_off, reference, reason="医生停诊").status == "cancelled"
    kind, said = told(store)[-1]
    assert kind == "appointment_declined"
    assert "不要前往" in said
    assert "医生停诊" in said
    assert not row_of(store, reference).cancelled_late


@pytest.mark.parametrize(("end", "state"), [(desk.fulfil, "fulfilled"), (desk.no_show, "noshow")])
def test_how_a_visit_ended(store: Store, book: Book, staff: Any, end: Any, state: str) -> None:
    """Who came knows it; who did not is told, for it may be an error (手册·预约流程)."""
    reference = book()
    staff(desk.confirm, reference)
    with pytest.raises(Refused, match="future"):
        staff(end, reference)
    assert staff(end, reference, now=AFTER).status == state
    with pytest.raises(Refused, match="not_open"):
        staff(end, reference, now=AFTER)
    missed = [said for kind, said in told(store) if kind == "appointment_missed"]
    assert len(missed) == (state == "noshow")
    assert all("没有到诊" in said and "登记有误" in said for said in missed)


def test_a_parents_cancellation_stops_what_was_to_be_told(
    store: Store, book: Book, staff: Any, mother: int, now: datetime
) -> None:
    reference = book()
    staff(desk.confirm, reference)
    appointments.cancel(
        store, identity_id=mother, reference=reference, now=now, late_accepted=False
    )
    (claimed,) = outbox.claim(store, owner="w", channels=["rest"], now=now, wall=now)
    assert outbox.begin(store, claimed, now=now, wall=now) is None


CALLS: dict[str, dict[str, Any]] = {
    "confirm": {},
    "change": {"visit_at": VISIT + timedelta(days=1)},
    "decline": {"reason": "满了"},
    "call_off": {"reason": "停诊"},
    "fulfil": {"now": AFTER},
    "no_show": {"now": AFTER},
}
FROM = {
    "requested": {"confirm", "decline"},
    "confirmed": {"change", "call_off", "fulfil", "no_show"},
}


@pytest.mark.parametrize("state", list(AppointmentState))
@pytest.mark.parametrize("name", CALLS)
def test_what_may_be_done_in_which_state(
    store: Store, book: Book, staff: Any, name: str, state: str
) -> None:
    reference = book()
    with store.begin() as session:
        query = sa.select(Appointment).where(Appointment.reference == reference)
        session.scalars(query).one().status = str(state)
    if name in FROM.get(state, ()):
        staff(getattr(desk, name), reference, **CALLS[name])
        return
    with pytest.raises(Refused, match="not_open"):
        staff(getattr(desk, name), reference, **CALLS[name])
    assert row_of(store, reference).status == state
    assert told(store) == []


@pytest.mark.parametrize("name", CALLS)
def test_an_old_version_changes_nothing(store: Store, book: Book, staff: Any, name: str) -> None:
    reference = book()
    version = row_of(store, reference).version
    with pytest.raises(Conflict):
        staff(getattr(desk, name), reference, version=version + 1, **CALLS[name])
    assert row_of(store, reference).version == version


@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_number_is_not_found(staff: Any, name: str) -> None:
    with pytest.raises(NotFound):
        staff(getattr(desk, name), "A99999", **CALLS[name])


def test_nothing_is_confirmed_or_proposed_for_the_past(book: Book, staff: Any) -> None:
    reference = book()
    with pytest.raises(Refused, match="past"):
        staff(desk.confirm, reference, now=VISIT)
    with pytest.raises(Refused, match="past"):
        staff(desk.decline, reference, reason="满了", proposal=VISIT, now=VISIT)


def test_a_part_of_the_day_can_be_confirmed_until_its_day_is_over(book: Book, staff: Any) -> None:
    reference = book(clock=None, part="morning")
    with pytest.raises(Refused, match="past"):
        staff(desk.confirm, reference, now=VISIT + timedelta(days=1))
    assert staff(desk.confirm, reference, now=VISIT).status == "confirmed"
