"""Messages that the bot sends without being asked: kinds, quiet hours, and when to remind."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

from bot.rules.calendar import at, local, local_day


class NotificationKind(StrEnum):
    """What a message tells; a parent can mute each kind, and nothing else."""

    APPOINTMENT_CONFIRMED = "appointment_confirmed"
    APPOINTMENT_CHANGED = "appointment_changed"
    APPOINTMENT_DECLINED = "appointment_declined"
    APPOINTMENT_MISSED = "appointment_missed"
    CANCELLATION_DEADLINE = "cancellation_deadline"
    AUTHORIZATION_PROGRESS = "authorization_progress"
    AUTHORIZATION_DECIDED = "authorization_decided"
    AUTHORIZATION_NEEDS_PAPERS = "authorization_needs_papers"
    CLAIM_PROGRESS = "claim_progress"
    CLAIM_NEEDS_PAPERS = "claim_needs_papers"
    CLAIM_SETTLED = "claim_settled"
    CLAIM_PAID = "claim_paid"
    SELF_PAY_DUE = "self_pay_due"
    SELF_PAY_PAID = "self_pay_paid"
    SELF_PAY_WAIVED = "self_pay_waived"
    CALL_BACK_DONE = "call_back_done"
    CALL_BACK_OVERDUE = "call_back_overdue"
    CALL_BACK_CLOSED = "call_back_closed"
    SERVICE_ARRANGED = "service_arranged"
    COMPLAINT_PROGRESS = "complaint_progress"
    COMPLAINT_ANSWERED = "complaint_answered"
    DATA_REQUEST = "data_request"


class Topic(StrEnum):
    """What parents call the messages: each topic is muted as a whole."""

    APPOINTMENT = "appointment"
    DEADLINE = "deadline"
    AUTHORIZATION = "authorization"
    CLAIM = "claim"
    SELF_PAY = "self_pay"
    CALL_BACK = "call_back"
    SERVICE = "service"
    COMPLAINT = "complaint"


TOPICS: Mapping[Topic, tuple[NotificationKind, ...]] = MappingProxyType(
    {
        Topic.APPOINTMENT: (
            NotificationKind.APPOINTMENT_CONFIRMED,
            NotificationKind.APPOINTMENT_CHANGED,
            NotificationKind.APPOINTMENT_DECLINED,
            NotificationKind.APPOINTMENT_MISSED,
        ),
        Topic.DEADLINE: (NotificationKind.CANCELLATION_DEADLINE,),
        Topic.AUTHORIZATION: (
            NotificationKind.AUTHORIZATION_PROGRESS,
            NotificationKind.AUTHORIZATION_DECIDED,
            NotificationKind.AUTHORIZATION_NEEDS_PAPERS,
        ),
        Topic.CLAIM: (
            NotificationKind.CLAIM_PROGRESS,
            NotificationKind.CLAIM_NEEDS_PAPERS,
            NotificationKind.CLAIM_SETTLED,
            NotificationKind.CLAIM_PAID,
        ),
        Topic.SELF_PAY: (
            NotificationKind.SELF_PAY_DUE,
            NotificationKind.SELF_PAY_PAID,
            NotificationKind.SELF_PAY_WAIVED,
        ),
        Topic.CALL_BACK: (
            NotificationKind.CALL_BACK_DONE,
            NotificationKind.CALL_BACK_OVERDUE,
            NotificationKind.CALL_BACK_CLOSED,
        ),
        Topic.SERVICE: (NotificationKind.SERVICE_ARRANGED,),
        Topic.COMPLAINT: (
            NotificationKind.COMPLAINT_PROGRESS,
            NotificationKind.COMPLAINT_ANSWERED,
            NotificationKind.DATA_REQUEST,
        ),
    }
)

# A family that is not told of these sets out for nothing, or waits for a doctor who does not call:
# they are sent at night as well, and "别再提醒我" leaves them on.
URGENT = frozenset(
    {
        NotificationKind.APPOINTMENT_CHANGED,
        NotificationKind.APPOINTMENT_DECLINED,
        NotificationKind.CALL_BACK_OVERDUE,
        NotificationKind.CALL_BACK_CLOSED,
    }
)
MUTED_BY_ALL = frozenset(NotificationKind) - URGENT

QUIET_FROM = time(22, 0)
QUIET_TO = time(8, 0)
REMIND_AT = time(10, 0)
# What was said in the chat is not repeated sooner.
FRESH = timedelta(hours=2)
PAPERS_AFTER = timedelta(days=3)
SELF_PAY_FIRST = timedelta(days=3)
SELF_PAY_AGAIN = timedelta(days=7)
SELF_PAY_TIMES = 3

_ONE_DAY = timedelta(days=1)


def quiet_until(now: datetime) -> datetime:
    """Give the end of the quiet hours (22:00 to 08:00, Asia/Shanghai), or `now` outside them.

    22:00 is quiet, 08:00 is not. Takes an aware moment. Raises ValueError for a naive one.
    """
    moment = local(now)
    if QUIET_TO <= moment.time() < QUIET_FROM:
        return moment
    later = _ONE_DAY if moment.time() >= QUIET_FROM else timedelta()
    return at(moment.date() + later, QUIET_TO)


def send_from(kind: NotificationKind, now: datetime) -> datetime:
    """Give the moment from which a message of `kind` that is due `now` (aware) may be sent."""
    return local(now) if kind in URGENT else quiet_until(now)


def deadline_reminder_at(deadline: datetime, told_at: datetime) -> datetime | None:
    """Give the moment to remind of a cancellation deadline (手册·就医流程 V3), or None for never.

    10:00 on the day before the deadline's day, so that "tomorrow 16:00" can be said; if the visit
    was booked too late for that, 10:00 on the deadline's own day. Later still, the reply to the
    booking has told the deadline and is the reminder: nothing said within `FRESH` is repeated.
    Both moments are aware; the result is in Asia/Shanghai. Raises ValueError for naive ones.
    """
    day = local_day(deadline)
    known = local(told_at) + FRESH
    moments = (at(day - _ONE_DAY, REMIND_AT), at(day, REMIND_AT))
    return next((moment for moment in moments if known <= moment), None)


def self_pay_reminder(issued_on: date, now: datetime) -> int | None:
    """Give the number (1 to 3) of the reminder of an unpaid amount that is due, or None.

    At 10:00 on the third day after the local day `issued_on`, then weekly, three times; one that
    was missed is not made up for once the next is due (手册·电子保险卡 E3). `now` is aware.
    """
    first = at(issued_on + SELF_PAY_FIRST, REMIND_AT)
    passed = local(now) - first
    if passed < timedelta():
        return None
    number = passed // SELF_PAY_AGAIN + 1
    return number if number <= SELF_PAY_TIMES else None


def papers_reminder_at(waiting_since: datetime) -> datetime:
    """Give the moment to remind of a claim that waits for its parent (手册·理赔流程 C6).

    10:00 on the third day after the local day of `waiting_since` (aware).
    """
    return at(local_day(waiting_since) + PAPERS_AFTER, REMIND_AT)
