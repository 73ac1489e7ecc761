"""Booking, moving and cancelling a visit (手册·就医流程 V1 to V4).

Booking through the bot is for the 特需部/国际部 outpatients of direct-billing public hospitals,
which are taken to be closed on days that are no working days.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from bot.rules.calendar import (
    add_working_days,
    at,
    end_of_day,
    is_working_day,
    local,
    local_day,
    next_working_day,
    previous_working_day,
)

BOOKING_WORKING_DAYS = 2
CANCEL_UNTIL = time(16, 0)
NAMED_EXPERT_BOOKABLE = False


class VisitStep(StrEnum):
    """The steps of a visit with direct billing, in the manual's words."""

    BOOK = "book"
    SUBMIT_DOCUMENTS = "submit_documents"
    OBTAIN_GUARANTEE_LETTER = "obtain_guarantee_letter"
    SHOW_E_CARD_AND_ID = "show_e_card_and_id"
    SEE_DOCTOR = "see_doctor"
    STAY = "stay"
    SIGN_BILL = "sign_bill"
    LEAVE = "leave"


# V1. What the cover leaves out is paid on the spot.
OUTPATIENT_STEPS = (
    VisitStep.BOOK,
    VisitStep.SHOW_E_CARD_AND_ID,
    VisitStep.SEE_DOCTOR,
    VisitStep.SIGN_BILL,
    VisitStep.LEAVE,
)
# V4. No stay begins before the guarantee letter (担保函) is there.
INPATIENT_STEPS = (
    VisitStep.BOOK,
    VisitStep.SUBMIT_DOCUMENTS,
    VisitStep.OBTAIN_GUARANTEE_LETTER,
    VisitStep.SHOW_E_CARD_AND_ID,
    VisitStep.STAY,
    VisitStep.SIGN_BILL,
    VisitStep.LEAVE,
)


class BookingWish(StrEnum):
    """How a wished time of visit stands to the time that staff need to arrange it."""

    NORMAL = "normal"
    URGENT = "urgent"  # before the earliest day that can be promised
    PAST = "past"
    AFTER_OWN_DEADLINE = "after_own_deadline"  # booked now, it could not be cancelled any more


class LateConsequence(StrEnum):
    """What a late cancellation or a missed visit may bring (手册·就医流程 V3)."""

    LATER_BOOKINGS_REFUSED = "later_bookings_refused"
    BLACKLISTED_BY_HOSPITAL = "blacklisted_by_hospital"
    REGISTRATION_FEE = "registration_fee"


LATE_CONSEQUENCES = (
    LateConsequence.LATER_BOOKINGS_REFUSED,
    LateConsequence.BLACKLISTED_BY_HOSPITAL,
    LateConsequence.REGISTRATION_FEE,
)


def is_clinic_day(d: date) -> bool:
    """Say whether direct-billing public outpatients are taken to be open on the local day `d`."""
    return is_working_day(d)


def next_clinic_day(d: date) -> date:
    """Give `d` itself if the outpatients are open that local day, else the next day they are."""
    return d if is_clinic_day(d) else next_working_day(d)


def booking_due(requested_at: datetime) -> datetime:
    """Give the time until which staff arrange a booking (手册·就医流程 V2).

    Takes the aware moment of the request; returns the end of the second working day after its
    local day, in Asia/Shanghai. Raises ValueError for a naive datetime.
    """
    return end_of_day(add_working_days(local_day(requested_at), BOOKING_WORKING_DAYS))


def earliest_promised_day(requested_at: datetime) -> date:
    """Give the first open day after `booking_due` (手册·就医流程 V2).

    A closed day cannot be promised, so weekends and holidays after the due time are skipped.
    Takes the aware moment of the request, returns a local day. Raises ValueError if naive.
    """
    return next_clinic_day(local_day(booking_due(requested_at)) + timedelta(days=1))


def next_possible_day(wish: date, now: datetime) -> date:
    """Give the day to offer instead of a wished local day that is past or closed (V2).

    For a past day that is the earliest that can be promised from `now` (aware), for a closed one
    the next open day; an open day that is not past is given back.
    """
    if wish < local_day(now):
        return earliest_promised_day(now)
    return next_clinic_day(wish)


def classify_wish(visit: datetime, requested_at: datetime, now: datetime) -> BookingWish:
    """Say how the wished moment `visit` stands to the rules of booking (手册·就医流程 V2, V3).

    All three are aware; a wish without a clock time is passed as the end of its day. Whether the
    outpatients are open that day is for `is_clinic_day`. AFTER_OWN_DEADLINE is urgent as well.
    Raises ValueError for a naive datetime.
    """
    if local(visit) <= local(now):
        return BookingWish.PAST
    day = local_day(visit)
    if is_late(day, now):
        return BookingWish.AFTER_OWN_DEADLINE
    if day < earliest_promised_day(requested_at):
        return BookingWish.URGENT
    return BookingWish.NORMAL


def cancellation_deadline(visit_day: date) -> datetime:
    """Give the last moment to change or cancel a visit in time (手册·就医流程 V3).

    Takes the local day of the visit; returns 16:00 Asia/Shanghai on the last working day before.
    """
    return at(previous_working_day(visit_day), CANCEL_UNTIL)


def is_late(visit_day: date, now: datetime) -> bool:
    """Say whether changing or cancelling a visit at `now` (aware) is late (手册·就医流程 V3).

    Exactly 16:00:00 is still in time. Raises ValueError for a naive datetime.
    """
    return local(now) > cancellation_deadline(visit_day)
