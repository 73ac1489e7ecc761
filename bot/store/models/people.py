"""Who chats, who is insured, and how a chat account proves itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, link, one_of, ref, utcnow
from bot.store.types import UtcDateTime

if TYPE_CHECKING:
    from bot.store.models.coverage import Policy


class Household(Base):
    """All policies bought with one mobile number (the policyholder's, 手册·绑卡流程 E1)."""

    __tablename__ = "household"
    id: int = key()
    phone: str = col(sa.String(20), unique=True)
    policies: list[Policy] = link("Policy", back_populates="household", order_by="Policy.id")


class ChatIdentity(Base):
    """One account in one messaging channel. It proves nothing until it has a binding."""

    __tablename__ = "chat_identity"
    __table_args__ = (sa.UniqueConstraint("channel", "account"),)
    id: int = key()
    channel: str = col(sa.String(32))
    account: str = col(sa.String(128))
    current_policy_id: int | None = ref("policy.id", nullable=True)
    created_at: datetime = col(UtcDateTime, default=utcnow)
    blocked_at: datetime | None = col(UtcDateTime, nullable=True)
    bindings: list[Binding] = link("Binding", back_populates="identity", order_by="Binding.id")


class Binding(Base):
    """A verified chat identity may see all policies of a household (E1)."""

    __tablename__ = "binding"
    __table_args__ = (sa.UniqueConstraint("identity_id", "household_id"),)
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    household_id: int = ref("household.id")
    verified_at: datetime = col(UtcDateTime)
    identity: ChatIdentity = link("ChatIdentity", back_populates="bindings")
    household: Household = link("Household")


class Child(Base):
    """The insured (被保险人)."""

    __tablename__ = "child"
    id: int = key()
    household_id: int = ref("household.id")
    name: str = col(sa.String(64))
    born: date = col(sa.Date)


class OneTimeCode(Base):
    """A code sent to a phone on record, hashed. ``household_id`` is empty for a decoy.

    A request with an unknown phone or a wrong name gets a row as well, so that it
    cannot be told apart from a right one.
    """

    __tablename__ = "one_time_code"
    __table_args__ = (sa.CheckConstraint("tries >= 0", name="tries"),)
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    household_id: int | None = ref("household.id", nullable=True)
    child_id: int | None = ref("child.id", nullable=True)
    phone: str = col(sa.String(20), index=True)
    code_hash: str = col(sa.String(64))
    created_at: datetime = col(UtcDateTime)
    tries: int = col(sa.Integer, default=0)
    used_at: datetime | None = col(UtcDateTime, nullable=True)


class VerificationLock(Base):
    """A phone or a chat account that may not try codes until ``locked_until``."""

    __tablename__ = "verification_lock"
    __table_args__ = (
        sa.UniqueConstraint("subject_kind", "subject"),
        one_of("subject_kind", "phone", "identity"),
    )
    id: int = key()
    subject_kind: str = col(sa.String(16))
    subject: str = col(sa.String(64))
    failures: int = col(sa.Integer, default=0)
    last_failure_at: datetime = col(UtcDateTime)
    locked_until: datetime | None = col(UtcDateTime, nullable=True)
