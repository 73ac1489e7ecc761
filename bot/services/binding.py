"""Binding a chat account to a household by a one-time code (手册·绑卡流程 E1)."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from bot.rules import codes
from bot.rules.identity import same_child_name
from bot.services import audit
from bot.services.sms import SmsError, SmsSender
from bot.store.models import Binding, Child, Household, OneTimeCode, Policy, VerificationLock
from bot.store.session import Store

logger = logging.getLogger(__name__)


class CodeAnswer(Enum):
    """What became of a typed code."""

    BOUND = "bound"
    WRONG = "wrong"
    EXPIRED = "expired"
    LOCKED = "locked"


@dataclass(frozen=True)
class CodeSent:
    """A code is on its way, or so it seems to the outside.

    Attributes:
        request_id: Names this request when the code is typed.
        shown_code: The code to show in the chat; demo mode only.
        locked_until: Set if nothing was sent because the phone or the account is locked.
        next_at: Set if nothing was sent because too many codes were asked for; when one may be.
    """

    request_id: int | None
    shown_code: str | None = None
    locked_until: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True)
class CodeResult:
    """The answer to a typed code, with the tries left and the lock's end, if any."""

    answer: CodeAnswer
    tries_left: int = 0
    locked_until: datetime | None = None
    children: tuple[str, ...] = ()


def request_code(
    store: Store,
    sender: SmsSender,
    secret: str,
    *,
    identity_id: int,
    child_name: str,
    phone: str,
    now: datetime,
    new_code: Callable[[], str] | None = None,
) -> CodeSent:
    """Send a six-digit code if the child's name and the phone belong together.

    A wrong name and an unknown phone look exactly like a right pair: a code is said to be
    on its way, and no code will ever match. Only the household's own phone gets a message, and
    only after the code is stored. Where codes go to phones, their number is limited for each
    phone and each chat account; the demonstration, which shows them in the chat, has no limit.

    Args:
        store: Where codes are kept, hashed.
        sender: Delivers the code.
        secret: Key of the hash.
        identity_id: The chat account that asks.
        child_name: As insured.
        phone: Eleven digits, as normalised by the rules.
        now: Aware; codes live five minutes from here.
        new_code: Replaces the random source in tests.

    A gateway that fails is logged and looks like a message that got lost: the parent asks again.
    """
    code = (new_code or _random_code)()
    with store.begin() as session:
        until = _locked_until(session, phone, identity_id, now)
        if until is not None:
            return CodeSent(None, None, until)
        wait = None if sender.shown_in_chat else _wait(session, phone, identity_id, now)
        if wait is not None:
            return CodeSent(None, next_at=wait)
        child = _insured(session, child_name, phone)
        row = OneTimeCode(
            identity_id=identity_id,
            household_id=child.household_id if child else None,
            child_id=child.id if child else None,
            phone=phone,
            code_hash=_hash(secret, phone, code),
            created_at=now,
        )
        session.add(row)
        session.flush()
        request_id = row.id
    if child is not None:
        try:
            sender.send_code(phone, code)
        except SmsError as error:
            logger.warning("a one-time code could not be sent: %s", error)
    return CodeSent(request_id, code if sender.shown_in_chat and child else _decoy(sender))


def verify_code(
    store: Store, secret: str, *, identity_id: int, request_id: int, code: str, now: datetime
) -> CodeResult:
    """Check a typed code and bind the chat account on success.

    Five wrong tries lock the phone and the chat account for 30 minutes.
    """
    with store.begin() as session:
        row = session.get(OneTimeCode, request_id)
        if row is None or row.identity_id != identity_id or row.used_at is not None:
            return CodeResult(CodeAnswer.EXPIRED)
        until = _locked_until(session, row.phone, identity_id, now)
        if until is not None:
            return CodeResult(CodeAnswer.LOCKED, locked_until=until)
        if now - row.created_at > codes.CODE_VALID_FOR:
            return CodeResult(CodeAnswer.EXPIRED)
        matches = hmac.compare_digest(row.code_hash, _hash(secret, row.phone, code))
        if matches and row.household_id is not None:
            return _bind(session, row, now)
        row.tries += 1
        left, until = _count_failure(session, row.phone, identity_id, now)
        if until is not None:
            return CodeResult(CodeAnswer.LOCKED, locked_until=until)
        return CodeResult(CodeAnswer.WRONG, tries_left=left)


def locked_until(store: Store, *, identity_id: int, now: datetime) -> datetime | None:
    """Return until when this chat account may not bind (aware), or ``None`` if it may.

    Says nothing about any phone: that one is locked is told only to who tries to verify it.
    """
    with store.read() as session:
        lock = _lock(session, "identity", str(identity_id))
        until = lock.locked_until if lock else None
        return until if until is not None and until > now else None


def _wait(session: Any, phone: str, identity_id: int, now: datetime) -> datetime | None:
    longest = max(span for span, _ in codes.CODE_LIMITS)
    recent = sa.select(OneTimeCode.created_at).where(OneTimeCode.created_at > now - longest)
    waits = [
        codes.next_code_at(session.scalars(recent.where(mine)), now)
        for mine in (OneTimeCode.phone == phone, OneTimeCode.identity_id == identity_id)
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _random_code() -> str:
    return f"{secrets.randbelow(10**codes.CODE_DIGITS):0{codes.CODE_DIGITS}d}"


def _decoy(sender: SmsSender) -> str | None:
    # The demo must not betray by a missing code which pairs exist.
    return _random_code() if sender.shown_in_chat else None


def _hash(secret: str, phone: str, code: str) -> str:
    return hmac.new(secret.encode(), f"{phone}:{code}".encode(), hashlib.sha256).hexdigest()


def _insured(session: Any, child_name: str, phone: str) -> Child | None:
    query = (
        sa.select(Child)
        .join(Policy, Policy.child_id == Child.id)
        .join(Household, Household.id == Policy.household_id)
        .where(Household.phone == phone)
    )
    found: list[Child] = [c for c in session.scalars(query) if same_child_name(c.name, child_name)]
    return found[0] if found else None


def _bind(session: Any, row: OneTimeCode, now: datetime) -> CodeResult:
    row.used_at = now
    known = sa.select(Binding).where(
        Binding.identity_id == row.identity_id, Binding.household_id == row.household_id
    )
    if session.scalar(known) is None:
        session.add(
            Binding(identity_id=row.identity_id, household_id=row.household_id, verified_at=now)
        )
    for kind, subject in _subjects(row.phone, row.identity_id):
        lock = _lock(session, kind, subject)
        if lock is not None:
            session.delete(lock)
    audit.record(
        session,
        at=now,
        actor=audit.identity_actor(row.identity_id),
        action="bind",
        subject=f"household:{row.household_id}",
    )
    names = session.scalars(
        sa.select(Child.name)
        .join(Policy, Policy.child_id == Child.id)
        .where(Policy.household_id == row.household_id)
        .order_by(sa.desc(Child.id == row.child_id), Policy.number)
    )
    return CodeResult(CodeAnswer.BOUND, children=tuple(dict.fromkeys(names)))


def _subjects(phone: str, identity_id: int) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("phone", phone), ("identity", str(identity_id))


def _lock(session: Any, kind: str, subject: str) -> VerificationLock | None:
    found: VerificationLock | None = session.scalar(
        sa.select(VerificationLock).where(
            VerificationLock.subject_kind == kind, VerificationLock.subject == subject
        )
    )
    return found


def _locked_until(session: Any, phone: str, identity_id: int, now: datetime) -> datetime | None:
    ends = [
        lock.locked_until
        for kind, subject in _subjects(phone, identity_id)
        if (lock := _lock(session, kind, subject)) and lock.locked_until
    ]
    return max((end for end in ends if end > now), default=None)


def _count_failure(
    session: Any, phone: str, identity_id: int, now: datetime
) -> tuple[int, datetime | None]:
    worst = 0
    for kind, subject in _subjects(phone, identity_id):
        lock = _lock(session, kind, subject)
        if lock is None:
            lock = VerificationLock(
                subject_kind=kind, subject=subject, failures=0, last_failure_at=now
            )
            session.add(lock)
        elif lock.locked_until is not None or now - lock.last_failure_at > codes.LOCK_FOR:
            lock.failures, lock.locked_until = 0, None
        lock.failures += 1
        lock.last_failure_at = now
        if lock.failures >= codes.MAX_TRIES:
            lock.locked_until = now + codes.LOCK_FOR
        worst = max(worst, lock.failures)
    if worst >= codes.MAX_TRIES:
        return 0, now + codes.LOCK_FOR
    return codes.MAX_TRIES - worst, None
