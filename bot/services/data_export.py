"""What is stored about a chat account, as a file for its parent: collected, signed for, fetched.

The file holds what the parent may see in the chat: the account itself, and the policies bound to
it. It lies in the file store for a short time under a random name; the link to it is signed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.rules.states import DataRequestState
from bot.services import audit
from bot.services.errors import NotFound
from bot.services.identity import bound_policies
from bot.store.files import FileGoneError, FileStore
from bot.store.models import (
    Base,
    ChatIdentity,
    ConversationEvent,
    DataRequest,
    HandOffMessage,
    Hospital,
    Policy,
)
from bot.store.references import add_numbered
from bot.store.session import Store

# Long enough to open a link, short enough for one that got into other hands.
LINK_LIVES = timedelta(minutes=30)
# Tables of no parent, of no meaning to one, or told in a form of their own below.
NOT_COPIED = frozenset(
    "chat_identity binding household policy child plan plan_benefit plan_route hospital "
    "hospital_alias hospital_department one_time_code verification_lock audit_entry "
    "conversation conversation_event inbound_update handoff_event".split()
)
# Secrets, and what staff note for themselves.
HIDDEN = (
    "hash", "key", "secret", "token", "sha256", "cipher", "encrypted", "note", "version", "agent",
    "author", "takeovers", "priority", "last_seq",
)  # fmt: skip
# The parent's own words, whatever the column is called.
TOLD = ("rating_note",)


@dataclass(frozen=True)
class Export:
    """A copy that is ready: its number, the link's token, until when, and what is in it.

    ``counts`` tells how many entries each part has, by the name of its table.
    """

    reference: str
    token: str
    expires_at: datetime
    counts: dict[str, int]


def stored_about(store: Store, *, identity_id: int, now: datetime) -> dict[str, Any]:
    """Return what is stored about a chat account and its bound policies, ready for JSON.

    Rows of other accounts are left out, family members' too, unless they belong to a policy that
    this account sees anyway.
    """
    with store.read() as session:
        return _collect(session, identity_id, now)


def counts(collected: dict[str, Any]) -> dict[str, int]:
    """Return how many entries each part has; empty parts are left out."""
    return {name: len(rows) for name, rows in collected.items() if isinstance(rows, list) and rows}


def request_export(
    store: Store, files: FileStore, secret: str, *, identity_id: int, now: datetime
) -> Export:
    """Write the copy and sign a link to it; copies made before are withdrawn.

    Args:
        store: The store.
        files: Where the copy lies until it expires.
        secret: Key of the signature.
        identity_id: Whose data.
        now: Aware.

    Raises:
        OSError: The file cannot be written; nothing is noted.
    """
    collected = stored_about(store, identity_id=identity_id, now=now)
    content = json.dumps(collected, ensure_ascii=False, indent=2).encode()
    name = files.put(content)
    with store.begin() as session:
        old = revoke_exports(session, identity_id, now) + expired_exports(session, now)
        row = DataRequest(
            identity_id=identity_id,
            kind="export",
            status=DataRequestState.DONE.value,
            requested_at=now,
            decided_at=now,
            storage_key=name,
            expires_at=now + LINK_LIVES,
        )
        add_numbered(session, row, "D")
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="data.export", subject=row.reference)
        expires = (now + LINK_LIVES).astimezone(TZ)
        made = Export(row.reference, _token(secret, name), expires, counts(collected))
    for key in old:
        files.delete(key)
    return made


def fetch_export(
    store: Store, files: FileStore, secret: str, *, token: str, now: datetime
) -> tuple[str, bytes]:
    """Return a copy's number and content for a link's token.

    Raises:
        NotFound: The token is not ours, or the copy has expired or was withdrawn.
    """
    name, _, signature = token.partition(".")
    # Bytes, for a token from outside may hold anything.
    if not hmac.compare_digest(signature.encode(), _sign(secret, name).encode()):
        raise NotFound("export")
    with store.begin() as session:
        row = session.scalar(sa.select(DataRequest).where(DataRequest.storage_key == name))
        if row is None or row.expires_at is None or row.expires_at <= now:
            raise NotFound("export")
        actor = audit.identity_actor(row.identity_id)
        audit.record(session, at=now, actor=actor, action="data.fetch", subject=row.reference)
        reference: str = row.reference
    try:
        return reference, files.get(name)
    except FileGoneError as error:
        raise NotFound("export") from error


def revoke_exports(session: Any, identity_id: int, now: datetime) -> list[str]:
    """Withdraw an account's copies inside a transaction; return the files to delete after it."""
    return _withdraw(session, DataRequest.identity_id == identity_id, now)


def expired_exports(session: Any, now: datetime) -> list[str]:
    """Withdraw the copies that nobody may fetch any more; return the files to delete after it."""
    ended: Any = DataRequest.expires_at
    return _withdraw(session, ended <= now, now)


def _withdraw(session: Any, which: Any, now: datetime) -> list[str]:
    key: Any = DataRequest.storage_key
    names = []
    for row in session.scalars(sa.select(DataRequest).where(which, key.is_not(None))):
        names.append(row.storage_key)
        row.storage_key, row.expires_at = None, min(row.expires_at, now)
    return names


def _sign(secret: str, name: str) -> str:
    return hmac.new(secret.encode(), f"data export:{name}".encode(), hashlib.sha256).hexdigest()


def _token(secret: str, name: str) -> str:
    return f"{name}.{_sign(secret, name)}"


def _collect(session: Any, identity_id: int, now: datetime) -> dict[str, Any]:
    account = session.get(ChatIdentity, identity_id)
    if account is None:
        raise NotFound("account")
    policies = bound_policies(session, identity_id)
    copied: dict[str, Any] = {
        "generated_at": _json(now),
        "account": [
            {
                "channel": account.channel,
                "account": account.account,
                "since": _json(account.created_at),
            }
        ],
        "binding": [
            {
                "phone": _masked(binding.household.phone),
                "verified_at": _json(binding.verified_at),
                "policies": [p.number for p in policies if p.household_id == binding.household_id],
            }
            for binding in account.bindings
        ],
        "policy": [_policy(policy) for policy in policies],
        "said": _said(session, account),
    }
    ids: dict[str, set[int]] = {"policy": {p.id for p in policies}}
    numbers = {p.id: p.number for p in policies}
    hospitals = dict(session.execute(sa.select(Hospital.id, Hospital.name)).all())
    for table in Base.metadata.sorted_tables:
        own = None if table.name in NOT_COPIED else _own(table, identity_id, ids)
        if own is None:
            continue
        rows = session.execute(sa.select(table).where(own).order_by(*table.primary_key)).all()
        if "id" in table.c:
            ids[table.name] = {row.id for row in rows}
        copied[table.name] = [_row(table, row, numbers, hospitals) for row in rows]
    return copied


def _own(table: Any, identity_id: int, ids: dict[str, set[int]]) -> Any:
    """Return which rows of a table are this account's; ``None`` if the table is of no account."""
    if table.name == HandOffMessage.__table__.name:
        # What agents note for each other is theirs.
        return sa.and_(table.c.handoff_id.in_(ids["handoff"]), table.c.direction != "note")
    if "identity_id" in table.c:
        return table.c.identity_id == identity_id
    if "policy_id" in table.c:
        return table.c.policy_id.in_(ids["policy"])
    for column in table.c:
        for key in column.foreign_keys:
            if key.column.table.name in ids:
                return column.in_(ids[key.column.table.name])
    return None


def _row(table: Any, row: Any, numbers: dict[int, str], hospitals: dict[int, str]) -> Any:
    told: dict[str, Any] = {}
    for column in table.c:
        value = getattr(row, column.name)
        if column.name == "policy_id":
            told["policy"] = numbers.get(value)
        elif column.name == "hospital_id":
            told["hospital"] = hospitals.get(value)
        elif column.primary_key or column.foreign_keys or isinstance(column.type, sa.LargeBinary):
            continue
        elif column.name in TOLD or not any(part in column.name for part in HIDDEN):
            told[column.name] = _json(value)
    return told


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "number": policy.number,
        "child": policy.child.name,
        "born": _json(policy.child.born),
        "plan": policy.plan.name,
        "valid_from": _json(policy.valid_from),
        "valid_to": _json(policy.valid_to),
        "clinic_brand": policy.clinic_brand,
    }


def _said(session: Any, account: ChatIdentity) -> list[dict[str, str]]:
    sender: Any = ConversationEvent.sender_id
    query = (
        sa.select(ConversationEvent)
        .where(sender.in_(conversations(account)), ConversationEvent.type_name == "user")
        .order_by(ConversationEvent.id)
    )
    # Another channel may know an account of the same name.
    return [
        {"at": _json(event.at), "text": str(event.data.get("text") or "")}
        for event in session.scalars(query)
        if event.data.get("input_channel") == account.channel
    ]


def conversations(account: ChatIdentity) -> tuple[str, str]:
    """Return the names of an account's conversations: behind the inbox, and without it.

    The second says nothing of the channel: an account of another one may have the same.
    """
    return f"{account.channel}:{account.account}", account.account


def _masked(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}"


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(TZ).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _json(part) for key, part in value.items() if key != "policy_id"}
    return value
