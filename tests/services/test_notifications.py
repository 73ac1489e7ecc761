"""Messages to parents: one for each bound account, once for an event."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.rules.notifications import NotificationKind
from bot.services.notifications import notify, notify_account
from bot.settings import ROOT
from bot.store.models import OutboxMessage, Policy
from bot.store.session import Store
from bot.texts import texts

NUMBER = "YX2026-000201"
NAME = re.compile(r"notify_\w*[^_\W]")


def put_in(
    store: Store,
    now: datetime,
    key: str,
    number: str = "YX2026-000201",
    text: str = "notify_claim_unsent",
) -> int:
    with store.begin() as session:
        policy = session.scalar(sa.select(Policy).where(Policy.number == NUMBER))
        return notify(
            session,
            policy_id=policy.id,
            kind=NotificationKind.CLAIM_PAID,
            text=text,
            values={"reference": "C1", "child": "李沐宸", "else": "x"},
            key=key,
            due_at=now,
        )


def test_every_account_of_the_household_is_told_and_nobody_else(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    mother, father = bound("13800000201", account="mother"), bound("13800000201", account="father")
    bound("13800000101", account="stranger")
    assert put_in(store, now, "claim:1:paid") == 2
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage)).all()
    assert {row.identity_id for row in rows} == {mother, father}
    assert {row.status for row in rows} == {"pending"}
    with store.read() as session:
        policy = session.scalar(sa.select(Policy.id).where(Policy.number == "YX2026-000201"))
    told = {
        "text": "notify_claim_unsent",
        "values": {"child": "李沐宸", "reference": "C1"},
        "policy_id": policy,
    }
    assert rows[0].payload == told


def test_one_event_is_told_once(store: Store, bound: Callable[..., int], now: datetime) -> None:
    bound("13800000201", account="mother")
    assert put_in(store, now, "claim:1:paid") == 1
    assert put_in(store, now, "claim:1:paid") == 0
    assert put_in(store, now, "claim:2:paid") == 1


def test_who_binds_later_is_told_of_later_events(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    assert put_in(store, now, "claim:1:paid") == 0
    bound("13800000201", account="mother")
    assert put_in(store, now, "claim:1:paid") == 1


def test_one_account_alone_is_told(store: Store, bound: Callable[..., int], now: datetime) -> None:
    mother = bound("13800000201", account="mother")
    bound("13800000201", account="father")
    for _ in range(2):
        with store.begin() as session:
            notify_account(
                session,
                identity_id=mother,
                kind=NotificationKind.COMPLAINT_ANSWERED,
                text="notify_complaint_answered",
                values={"reference": "F1", "answer": "好"},
                key="complaint:1:answered",
                due_at=now,
            )
    with store.read() as session:
        (row,) = session.scalars(sa.select(OutboxMessage)).all()
    assert row.identity_id == mother
    assert row.payload == {
        "text": "notify_complaint_answered",
        "values": {"answer": "好", "reference": "F1"},
    }


@pytest.mark.parametrize("text", ["no_such_text", "notify_self_pay_due"])
def test_a_text_that_cannot_be_written_is_refused(
    store: Store, bound: Callable[..., int], now: datetime, text: str
) -> None:
    bound("13800000201", account="mother")
    with pytest.raises(ValueError, match=text):
        put_in(store, now, "claim:1:paid", text=text)


def named() -> Iterator[re.Pattern[str]]:
    """Give what the services' sources name as texts; what varies in a name may be anything."""
    for path in sorted((ROOT / "bot" / "services").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                if str(parts[0]).startswith("notify_"):
                    yield re.compile("".join(r"\w+" if p is None else re.escape(p) for p in parts))
            elif isinstance(node, ast.Constant) and re.fullmatch(
                r"notify_\w*[^_\W]", str(node.value)
            ):
                yield re.compile(re.escape(str(node.value)))


def test_every_message_named_has_a_text_and_every_text_is_named() -> None:
    known = {name for name in texts() if name.startswith("notify_")}
    patterns = list(named())
    assert len(patterns) > 10
    assert [p.pattern for p in patterns if not any(p.fullmatch(name) for name in known)] == []
    assert {name for name in known if not any(p.fullmatch(name) for p in patterns)} == set()
