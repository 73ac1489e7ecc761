"""Booking, looking up, moving and cancelling visits (手册·就医流程 V2, V3)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.benefits import CardStatus
from bot.rules.visits import BookingWish
from bot.services.appointments import (
    AppointmentView,
    Wish,
    assess,
    book,
    booking_obstacle,
    cancel,
    day_within,
    reschedule,
    upcoming,
)
from bot.services.errors import NotBound, NotFound, Refused
from bot.store.models import Appointment, AuditEntry
from bot.store.session import Store

ONE, ONE_NUMBER = "13800000101", "YX2026-000101"
FUDAN = "复旦大学附属儿科医院国际部特需门诊"
XINHUA = "上海新华医院镜朗高级专家诊疗部"
FRIDAY = date(2026, 11, 27)
WISH = Wish(FRIDAY, time(9, 30), None)
# A1001 is on Tuesday, 1 December, 10:00; it can be cancelled until Monday, 16:00.
DEADLINE = datetime(2026, 11, 30, 16, tzinfo=TZ)
LATE = DEADLINE + timedelta(seconds=1)

Book = Callable[..., tuple[AppointmentView, bool]]


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    return bound(ONE)


@pytest.fixture
def other(bound: Callable[..., int]) -> int:
    return bound("13800000301", account="other")


@pytest.fixture
def book_it(store: Store, parent: int, now: datetime) -> Book:
    def ask(**change: Any) -> tuple[AppointmentView, bool]:
        wanted: dict[str, Any] = {
            "identity_id": parent,
            "number": ONE_NUMBER,
            "hospital": FUDAN,
            "department": "眼科",
            "wish": WISH,
            "now": now,
        }
        return book(store, **wanted | change)

    return ask


def the_row(store: Store, reference: str) -> Appointment:
    with store.read() as session:
        row: Appointment = session.scalars(
            sa.select(Appointment).where(Appointment.reference == reference)
        ).one()
        return row


# ---- booking


def test_a_booking_tells_all_that_a_parent_must_know(
    store: Store, book_it: Book, parent: int, now: datetime
) -> None:
    seen, new = book_it()
    assert new
    assert (seen.child, seen.hospital, seen.department) == ("王小满", FUDAN, "眼科")
    assert seen.reference == "A10002"
    assert seen.visit_at == datetime(2026, 11, 27, 9, 30, tzinfo=TZ)
    assert seen.deadline == datetime(2026, 11, 26, 16, tzinfo=TZ)
    assert seen.due_at == datetime(2026, 11, 25, 23, 59, 59, tzinfo=TZ)
    assert (seen.status, seen.urgent, seen.late_now, seen.day_part) == (
        "requested",
        False,
        False,
        None,
    )
    row = the_row(store, seen.reference)
    assert (row.requested_by_id, row.requested_at, row.clock_given) == (parent, now, True)


def test_the_same_wish_again_is_the_same_booking(book_it: Book, count: Callable[..., int]) -> None:
    first, _ = book_it()
    again, new = book_it()
    assert (again, new) == (first, False)
    assert count(Appointment) == 2  # with A1001
    assert count(AuditEntry, action="appointment.request") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"hospital": XINHUA, "department": "口腔科"},
        {"department": "小儿内科"},
        {"wish": Wish(FRIDAY, time(10, 0), None)},
        {"wish": Wish(date(2026, 11, 30), time(9, 30), None)},
    ],
)
def test_another_wish_is_another_booking(book_it: Book, change: dict[str, Any]) -> None:
    book_it()
    assert book_it(**change)[1]


def test_after_a_cancellation_the_same_wish_is_new(
    store: Store, book_it: Book, parent: int, now: datetime
) -> None:
    first, _ = book_it()
    cancel(store, identity_id=parent, reference=first.reference, now=now, late_accepted=False)
    second, new = book_it()
    assert new
    assert second.reference != first.reference


@pytest.mark.parametrize("status", ["declined", "noshow"])
def test_a_wish_that_was_declined_can_be_asked_for_again(
    store: Store, book_it: Book, status: str
) -> None:
    first, _ = book_it()
    with store.begin() as session:
        session.merge(the_row(store, first.reference)).status = status
    second, new = book_it()
    assert new
    assert second.reference != first.reference


def test_a_visit_can_be_moved_to_a_time_that_was_declined(
    store: Store, book_it: Book, parent: int, now: datetime
) -> None:
    declined, _ = book_it()
    with store.begin() as session:
        session.merge(the_row(store, declined.reference)).status = "declined"
    other, _ = book_it(wish=Wish(FRIDAY, time(15), None))
    moved = reschedule(
        store,
        identity_id=parent,
        reference=other.reference,
        wish=WISH,
        now=now,
        late_accepted=False,
    )
    assert moved.visit_at == WISH.visit_at


@pytest.mark.parametrize("part", ["morning", "noon", "afternoon", "evening", None])
def test_a_part_of_the_day_is_kept_as_such(store: Store, book_it: Book, part: str | None) -> None:
    seen, _ = book_it(wish=Wish(FRIDAY, None, part))
    assert (seen.visit_at.date(), seen.day_part) == (FRIDAY, part)
    assert not the_row(store, seen.reference).clock_given


@pytest.mark.parametrize(
    ("day", "urgent"),
    [(date(2026, 11, 25), True), (date(2026, 11, 26), False), (FRIDAY, False)],
)
def test_earlier_than_two_working_days_is_urgent(book_it: Book, day: date, urgent: bool) -> None:
    assert book_it(wish=Wish(day, time(9), None))[0].urgent is urgent


def test_a_double_tap_from_two_threads_makes_one_booking(
    book_it: Book, count: Callable[..., int]
) -> None:
    barrier = Barrier(2)

    def tap(_: int) -> tuple[AppointmentView, bool]:
        barrier.wait(timeout=10)
        return book_it()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(tap, range(2)))

    assert sorted(new for _, new in answers) == [False, True]
    assert len({seen.reference for seen, _ in answers}) == 1
    assert count(Appointment, status="requested") == 1


def test_two_parents_of_one_child_make_one_booking(
    book_it: Book, bound: Callable[..., int]
) -> None:
    first, _ = book_it()
    again, new = book_it(identity_id=bound(ONE, account="grandmother"))
    assert (again.reference, new) == (first.reference, False)


# ---- refusals

SATURDAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hospital": "示范和晴儿科诊所（徐汇）", "department": "小儿内科"}, "hospital_kind"),
        ({"hospital": "示范市第一人民医院", "department": "儿科"}, "hospital_kind"),
        ({"department": "口腔科"}, "department"),
        ({"department": ""}, "department"),
        ({"wish": Wish(date(2026, 11, 20), time(9), None)}, "past"),
        ({"wish": Wish(date(2026, 11, 20), None, "evening")}, "past"),
        ({"wish": Wish(date(2026, 11, 23), time(10), None)}, "past"),
        ({"wish": Wish(SATURDAY, time(9), None)}, "closed_day"),
        ({"wish": Wish(date(2027, 1, 1), None, None)}, "closed_day"),
    ],
)
def test_what_the_rules_forbid_is_refused(
    book_it: Book, count: Callable[..., int], change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        book_it(**change)
    assert caught.value.reason == reason
    assert count(Appointment) == 1
    assert count(AuditEntry) == 0


@pytest.mark.parametrize(
    ("phone", "number", "reason"),
    [
        ("13800000201", "YX2026-000201", "no_route"),
        ("13800000201", "YX2026-000202", "no_route"),
        ("13800000401", "YX2026-000401", "expired"),
        ("13800000501", "YX2026-000501", "grey"),
    ],
)
def test_the_card_and_the_plan_must_allow_it(
    store: Store,
    book_it: Book,
    bound: Callable[..., int],
    now: datetime,
    phone: str,
    number: str,
    reason: str,
) -> None:
    someone = bound(phone, account="someone")
    assert booking_obstacle(store, identity_id=someone, number=number, now=now) == reason
    with pytest.raises(Refused) as caught:
        book_it(identity_id=someone, number=number)
    assert caught.value.reason == reason


def test_before_its_first_day_a_policy_books_nothing(
    store: Store, parent: int, book_it: Book
) -> None:
    early = datetime(2026, 5, 6, 23, 59, tzinfo=TZ)  # valid from D-200, which is 7 May
    obstacle = booking_obstacle(store, identity_id=parent, number=ONE_NUMBER, now=early)
    assert obstacle is CardStatus.NOT_STARTED
    with pytest.raises(Refused) as caught:
        book_it(now=early)
    assert caught.value.reason == "not_started"


def test_an_active_card_with_the_route_has_no_obstacle(
    store: Store, parent: int, now: datetime
) -> None:
    assert booking_obstacle(store, identity_id=parent, number=ONE_NUMBER, now=now) is None


def test_there_is_no_booking_with_someone_elses_policy(
    store: Store, book_it: Book, bound: Callable[..., int], other: int, now: datetime
) -> None:
    stranger = bound(account="stranger")
    for identity_id, error in ((stranger, NotBound), (other, NotFound)):
        with pytest.raises(error):
            book_it(identity_id=identity_id)
        with pytest.raises(error):
            booking_obstacle(store, identity_id=identity_id, number=ONE_NUMBER, now=now)


def test_an_unknown_hospital_is_not_found(book_it: Book) -> None:
    with pytest.raises(NotFound):
        book_it(hospital="华山医院")


# ---- judging a wish


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Wish(FRIDAY, time(9), None), BookingWish.NORMAL),
        (Wish(date(2026, 11, 26), None, None), BookingWish.NORMAL),
        (Wish(date(2026, 11, 25), None, "morning"), BookingWish.URGENT),
        (Wish(date(2026, 11, 24), time(8), None), BookingWish.URGENT),
        (Wish(date(2026, 11, 23), time(15), None), BookingWish.AFTER_OWN_DEADLINE),
        (Wish(date(2026, 11, 23), None, None), BookingWish.AFTER_OWN_DEADLINE),
        (Wish(date(2026, 11, 23), time(10), None), BookingWish.PAST),
        (Wish(date(2026, 11, 22), None, None), BookingWish.PAST),
    ],
)
def test_a_wish_is_judged_by_its_distance(now: datetime, wish: Wish, kind: BookingWish) -> None:
    judged = assess(wish, now)
    assert judged.wish is kind
    assert judged.due_at == datetime(2026, 11, 25, 23, 59, 59, tzinfo=TZ)


def test_after_four_tomorrow_is_past_its_own_deadline(now: datetime) -> None:
    tomorrow = Wish(date(2026, 11, 24), time(9), None)
    assert assess(tomorrow, now.replace(hour=16)).wish is BookingWish.URGENT
    assert assess(tomorrow, now.replace(hour=16, minute=1)).wish is BookingWish.AFTER_OWN_DEADLINE


@pytest.mark.parametrize(
    ("day", "clock", "closed", "next_day"),
    [
        (FRIDAY, None, False, None),
        (SATURDAY, None, True, date(2026, 11, 30)),
        (date(2026, 11, 20), None, False, date(2026, 11, 26)),
        (date(2026, 11, 22), None, True, date(2026, 11, 26)),
        # Today is open, but that hour is over.
        (date(2026, 11, 23), time(9), False, date(2026, 11, 24)),
        (date(2027, 1, 1), None, True, date(2027, 1, 4)),
    ],
)
def test_for_a_closed_or_past_day_there_is_another(
    now: datetime, day: date, clock: time | None, closed: bool, next_day: date | None
) -> None:
    judged = assess(Wish(day, clock, None), now)
    assert (judged.closed, judged.next_day) == (closed, next_day)


# ---- looking up


def test_upcoming_visits_are_told_soonest_first(
    store: Store, book_it: Book, parent: int, now: datetime
) -> None:
    book_it()
    seen = upcoming(store, identity_id=parent, now=now)
    assert [a.reference for a in seen] == ["A10002", "A1001"]
    confirmed = seen[1]
    assert (confirmed.status, confirmed.deadline) == ("confirmed", DEADLINE)
    assert confirmed.visit_at == datetime(2026, 12, 1, 10, tzinfo=TZ)


def test_a_visit_is_listed_until_its_day_is_over(store: Store, parent: int) -> None:
    def listed(moment: datetime) -> bool:
        return bool(upcoming(store, identity_id=parent, now=moment))

    assert listed(datetime(2026, 12, 1, 23, 59, tzinfo=TZ))
    assert not listed(datetime(2026, 12, 2, tzinfo=TZ))


def test_nobody_sees_another_parents_visits(
    store: Store, other: int, parent: int, bound: Callable[..., int], now: datetime
) -> None:
    assert upcoming(store, identity_id=other, now=now) == []
    assert upcoming(store, identity_id=other, now=now, number=ONE_NUMBER) == []
    assert upcoming(store, identity_id=bound(account="stranger"), now=now) == []


@pytest.mark.parametrize(("moment", "late"), [(DEADLINE, False), (LATE, True)])
def test_after_the_deadline_it_is_late(
    store: Store, parent: int, moment: datetime, late: bool
) -> None:
    (seen,) = upcoming(store, identity_id=parent, now=moment)
    assert seen.late_now is late


# ---- cancelling


def test_in_time_it_is_just_cancelled(store: Store, parent: int) -> None:
    seen = cancel(store, identity_id=parent, reference="A1001", now=DEADLINE, late_accepted=False)
    assert (seen.reference, seen.status) == ("A1001", "cancelled")
    row = the_row(store, "A1001")
    assert (row.cancelled_at, row.cancelled_late, row.idempotency_key) == (DEADLINE, False, None)
    assert upcoming(store, identity_id=parent, now=DEADLINE) == []


def test_late_it_is_cancelled_only_when_that_is_accepted(store: Store, parent: int) -> None:
    with pytest.raises(Refused) as caught:
        cancel(store, identity_id=parent, reference="A1001", now=LATE, late_accepted=False)
    assert caught.value.reason == "late"
    assert the_row(store, "A1001").status == "confirmed"

    cancel(store, identity_id=parent, reference="A1001", now=LATE, late_accepted=True)
    row = the_row(store, "A1001")
    assert (row.status, row.cancelled_late) == ("cancelled", True)


def test_cancelling_twice_changes_nothing(
    store: Store, parent: int, now: datetime, count: Callable[..., int]
) -> None:
    for minutes in (0, 5):
        moment = now + timedelta(minutes=minutes)
        seen = cancel(store, identity_id=parent, reference="A1001", now=moment, late_accepted=False)
        assert seen.status == "cancelled"
    assert the_row(store, "A1001").cancelled_at == now
    assert count(AuditEntry, action="appointment.cancel") == 1


def test_what_has_taken_place_is_not_cancelled(store: Store, parent: int) -> None:
    after = datetime(2026, 12, 1, 10, 0, 1, tzinfo=TZ)
    with pytest.raises(Refused) as caught:
        cancel(store, identity_id=parent, reference="A1001", now=after, late_accepted=True)
    assert caught.value.reason == "not_open"


@pytest.mark.parametrize("status", ["declined", "fulfilled", "noshow"])
def test_what_is_closed_is_neither_cancelled_nor_moved(
    store: Store, parent: int, now: datetime, status: str
) -> None:
    with store.begin() as session:
        session.execute(sa.update(Appointment).values(status=status))
    with pytest.raises(Refused) as caught:
        cancel(store, identity_id=parent, reference="A1001", now=now, late_accepted=True)
    assert caught.value.reason == "not_open"
    with pytest.raises(Refused) as caught:
        reschedule(
            store, identity_id=parent, reference="A1001", wish=WISH, now=now, late_accepted=True
        )
    assert caught.value.reason == "not_open"


@pytest.mark.parametrize("reference", ["A1001", "A9999", ""])
def test_another_parents_reference_is_not_found(
    store: Store, other: int, now: datetime, reference: str
) -> None:
    with pytest.raises(NotFound):
        cancel(store, identity_id=other, reference=reference, now=now, late_accepted=True)
    with pytest.raises(NotFound):
        reschedule(
            store, identity_id=other, reference=reference, wish=WISH, now=now, late_accepted=True
        )
    assert the_row(store, "A1001").status == "confirmed"


# ---- moving


def test_a_moved_visit_is_arranged_anew(store: Store, parent: int, now: datetime) -> None:
    seen = reschedule(
        store, identity_id=parent, reference="A1001", wish=WISH, now=now, late_accepted=False
    )
    assert (seen.reference, seen.status) == ("A1001", "requested")
    assert seen.visit_at == WISH.visit_at
    assert seen.deadline == datetime(2026, 11, 26, 16, tzinfo=TZ)
    assert seen.due_at == datetime(2026, 11, 25, 23, 59, 59, tzinfo=TZ)
    assert the_row(store, "A1001").requested_at == now


def test_moving_to_the_same_time_changes_nothing(
    store: Store, parent: int, now: datetime, count: Callable[..., int]
) -> None:
    same = Wish(date(2026, 12, 1), time(10), None)
    seen = reschedule(
        store, identity_id=parent, reference="A1001", wish=same, now=now, late_accepted=False
    )
    assert seen.status == "confirmed"
    assert count(AuditEntry) == 0


def test_late_it_is_moved_only_when_that_is_accepted(store: Store, parent: int) -> None:
    later = Wish(date(2026, 12, 8), None, "afternoon")
    with pytest.raises(Refused) as caught:
        reschedule(
            store, identity_id=parent, reference="A1001", wish=later, now=LATE, late_accepted=False
        )
    assert caught.value.reason == "late"
    seen = reschedule(
        store, identity_id=parent, reference="A1001", wish=later, now=LATE, late_accepted=True
    )
    assert (seen.visit_at.date(), seen.day_part) == (later.day, "afternoon")


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (Wish(SATURDAY, time(9), None), "closed_day"),
        (Wish(date(2026, 11, 20), time(9), None), "past"),
        (Wish(date(2026, 11, 23), time(9), None), "past"),
    ],
)
def test_it_is_not_moved_to_where_nothing_can_be_booked(
    store: Store, parent: int, now: datetime, wish: Wish, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        reschedule(
            store, identity_id=parent, reference="A1001", wish=wish, now=now, late_accepted=False
        )
    assert caught.value.reason == reason
    assert the_row(store, "A1001").status == "confirmed"


# ---- the trail, and reading


def test_each_change_leaves_one_entry_without_personal_data(
    store: Store, book_it: Book, parent: int, now: datetime
) -> None:
    book_it()
    moved = reschedule(
        store, identity_id=parent, reference="A1001", wish=Wish(FRIDAY, time(11), None), now=now,
        late_accepted=False,
    )  # fmt: skip
    cancel(store, identity_id=parent, reference=moved.reference, now=now, late_accepted=False)
    with store.read() as session:
        trail = list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))
    assert [entry.action for entry in trail] == [
        "appointment.request",
        "appointment.reschedule",
        "appointment.cancel",
    ]
    for entry in trail:
        assert (entry.actor, entry.at) == (f"identity:{parent}", now)
        assert "王小满" not in f"{entry.subject}{entry.detail}"


def test_reading_never_writes(
    store: Store, parent: int, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        pytest.fail("a read began a transaction for writing")

    monkeypatch.setattr(store, "begin", refuse)
    assert upcoming(store, identity_id=parent, now=now)
    assert booking_obstacle(store, identity_id=parent, number=ONE_NUMBER, now=now) is None


# ---- wishes that leave the day open, and days that nothing can be booked for


@pytest.mark.parametrize(
    ("first", "last", "proposed"),
    [
        (date(2026, 11, 23), None, date(2026, 11, 26)),  # as soon as possible
        (date(2026, 11, 23), date(2026, 12, 10), date(2026, 11, 26)),
        (date(2026, 11, 23), date(2026, 11, 25), date(2026, 11, 24)),  # too near to promise
        (date(2026, 12, 5), None, date(2026, 12, 7)),  # a Saturday
        (date(2026, 12, 5), date(2026, 12, 6), date(2026, 12, 7)),
    ],
)
def test_a_stretch_of_days_gives_one_to_propose(
    now: datetime, first: date, last: date | None, proposed: date
) -> None:
    assert day_within(first, last, now) == proposed


def test_after_the_policys_last_day_nothing_is_booked(book_it: Book) -> None:
    last = date(2027, 5, 6)
    assert book_it(wish=Wish(last, time(9), None))[1]
    with pytest.raises(Refused, match="after_policy"):
        book_it(wish=Wish(date(2027, 5, 7), time(9), None))


def test_moving_onto_the_same_visit_is_refused(
    store: Store, book_it: Book, parent: int, now: datetime
) -> None:
    book_it()
    other, _ = book_it(wish=Wish(FRIDAY, time(10), None))
    with pytest.raises(Refused, match="booked_then"):
        reschedule(
            store,
            identity_id=parent,
            reference=other.reference,
            wish=WISH,
            now=now,
            late_accepted=False,
        )


@pytest.mark.parametrize(
    ("part", "hour", "kind"),
    [
        ("morning", 11, BookingWish.AFTER_OWN_DEADLINE),
        ("morning", 12, BookingWish.PAST),
        ("afternoon", 17, BookingWish.AFTER_OWN_DEADLINE),
        ("afternoon", 18, BookingWish.PAST),
    ],
)
def test_a_part_of_today_passes(now: datetime, part: str, hour: int, kind: BookingWish) -> None:
    assert assess(Wish(now.date(), None, part), now.replace(hour=hour)).wish is kind
