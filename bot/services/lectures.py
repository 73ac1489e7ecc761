"""Free online lectures: what is on, signing up, withdrawing (手册·医疗服务 M5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.services import audit
from bot.services.errors import NotFound, Refused
from bot.store.models import Lecture, LectureRegistration
from bot.store.session import Store


@dataclass(frozen=True)
class LectureView:
    """A lecture as told to a parent; times in Asia/Shanghai, ``mine`` if they have a seat."""

    reference: str
    topic: str
    title: str
    speaker: str
    starts_at: datetime
    ends_at: datetime
    seats_left: int
    mine: bool


def upcoming(store: Store, *, identity_id: int, now: datetime) -> list[LectureView]:
    """Return the lectures that have not begun, soonest first."""
    with store.read() as session:
        rows = session.scalars(
            sa.select(Lecture).where(Lecture.starts_at > now).order_by(Lecture.starts_at)
        )
        return [_view(session, row, identity_id) for row in rows]


def lecture(store: Store, *, identity_id: int, reference: str) -> LectureView:
    """Return one lecture.

    Raises:
        NotFound: There is none of this reference.
    """
    with store.read() as session:
        return _view(session, _lecture(session, reference), identity_id)


def sign_up(
    store: Store, *, identity_id: int, reference: str, now: datetime
) -> tuple[LectureView, bool]:
    """Take a seat; asked twice it is one seat.

    Returns:
        The lecture, and whether the seat is new.

    Raises:
        NotFound: There is no such lecture.
        Refused: ``lecture_over`` when it has begun, ``lecture_full`` without a free seat.
    """
    with store.begin() as session:
        row = _lecture(session, reference)
        seat = _seat(session, row.id, identity_id)
        if seat is not None and seat.cancelled_at is None:
            return _view(session, row, identity_id), False
        if row.starts_at <= now:
            raise Refused("lecture_over")
        if _taken(session, row.id) >= row.seats:
            raise Refused("lecture_full")
        if seat is None:
            session.add(
                LectureRegistration(lecture_id=row.id, identity_id=identity_id, registered_at=now)
            )
        else:
            seat.registered_at, seat.cancelled_at = now, None
        session.flush()
        _log(session, identity_id, "lecture.sign_up", row, now)
        return _view(session, row, identity_id), True


def withdraw(
    store: Store, *, identity_id: int, reference: str, now: datetime
) -> tuple[LectureView, bool]:
    """Give a seat back; returns the lecture, and whether there was a seat.

    Raises:
        NotFound: There is no such lecture.
    """
    with store.begin() as session:
        row = _lecture(session, reference)
        seat = _seat(session, row.id, identity_id)
        had = seat is not None and seat.cancelled_at is None
        if seat is not None and had:
            seat.cancelled_at = now
            session.flush()
            _log(session, identity_id, "lecture.withdraw", row, now)
        return _view(session, row, identity_id), had


def _lecture(session: Any, reference: str) -> Lecture:
    row: Lecture | None = session.scalar(sa.select(Lecture).where(Lecture.reference == reference))
    if row is None:
        raise NotFound("lecture")
    return row


def _seat(session: Any, lecture_id: int, identity_id: int) -> LectureRegistration | None:
    found: LectureRegistration | None = session.scalar(
        sa.select(LectureRegistration).where(
            LectureRegistration.lecture_id == lecture_id,
            LectureRegistration.identity_id == identity_id,
        )
    )
    return found


def _taken(session: Any, lecture_id: int) -> int:
    count = sa.select(sa.func.count(LectureRegistration.id)).where(
        LectureRegistration.lecture_id == lecture_id,
        sa.column("cancelled_at").is_(None),
    )
    return int(session.scalar(count))


def _log(session: Any, identity_id: int, action: str, row: Lecture, now: datetime) -> None:
    actor = audit.identity_actor(identity_id)
    audit.record(session, at=now, actor=actor, action=action, subject=row.reference)


def _view(session: Any, row: Lecture, identity_id: int) -> LectureView:
    seat = _seat(session, row.id, identity_id)
    return LectureView(
        row.reference,
        row.topic,
        row.title,
        row.speaker,
        row.starts_at.astimezone(TZ),
        row.ends_at.astimezone(TZ),
        max(row.seats - _taken(session, row.id), 0),
        seat is not None and seat.cancelled_at is None,
    )
