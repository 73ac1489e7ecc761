"""What staff do with calls and wishes for erasure is told to the parents whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.services import consultation_desk, consultations, data_requests
from bot.services.consultations import ConsultationView
from bot.services.errors import Conflict, Refused
from bot.store.models import OutboxMessage
from bot.store.session import Store
from bot.texts import texts

NUMBER, PHONE, THEIRS = "YX2026-000101", "13800000101", "13800000301"
STAFF = "staff:lin"


def told(store: Store) -> list[tuple[int, str, str]]:
    """Return each message as it is sent: to whom, of what kind, and its words."""
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [
        (
            row.identity_id,
            row.kind,
            texts()[row.payload["text"]].text.format(**row.payload["values"]),
        )
        for row in rows
    ]


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    bound(THEIRS, account="stranger")
    return bound(PHONE)


@pytest.fixture
def call(store: Store, parent: int, now: datetime) -> ConsultationView:
    seen, _ = consultations.request_phone_consultation(
        store,
        identity_id=parent,
        number=NUMBER,
        symptom="咳嗽",
        phone="13912345678",
        now=now,
    )
    return seen


def test_that_the_doctor_called_is_told_once(
    store: Store, call: ConsultationView, parent: int, now: datetime
) -> None:
    consultation_desk.called_back(store, reference=call.reference, actor=STAFF, now=now)
    consultation_desk.close(store, reference=call.reference, actor=STAFF, reason="已看诊", now=now)
    assert told(store) == [
        (
            parent,
            "call_back_done",
            f"医生给您打过电话了（王小满，{call.reference}）。没接到可以再约一次；"
            "孩子情况危急请拨 120。",
        )
    ]


def test_whose_call_is_not_made_need_not_wait_and_does_not_read_why(
    store: Store, call: ConsultationView, parent: int, now: datetime
) -> None:
    consultation_desk.close(
        store, reference=call.reference, actor=STAFF, reason="三次无人接听", now=now
    )
    ((who, kind, words),) = told(store)
    assert (who, kind) == (parent, "call_back_closed")
    assert "请不要再等" in words
    assert "021-80209058" in words
    assert "无人接听" not in words


def test_what_a_colleague_did_first_is_not_told_twice(
    store: Store, call: ConsultationView, now: datetime
) -> None:
    read = {"reference": call.reference, "version": call.version, "actor": STAFF, "now": now}
    consultation_desk.called_back(store, **read)
    with pytest.raises(Conflict):
        consultation_desk.close(store, reason="重复", **read)
    assert [kind for _, kind, _ in told(store)] == ["call_back_done"]


def test_a_wish_for_erasure_is_told_from_the_check_to_the_refusal(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    mother, father = bound(PHONE, account="mother"), bound(PHONE, account="father")
    seen, _ = data_requests.request_erasure(store, identity_id=mother, now=now)
    work = {"reference": seen.reference, "actor": STAFF, "now": now}
    with pytest.raises(Refused):
        data_requests.refuse(store, reason="有理赔在办", **work)
    data_requests.take_up(store, **work)
    data_requests.refuse(store, reason=" 有理赔在办 ", **work)
    checking, refused = told(store)
    assert checking == (
        mother,
        "data_request",
        f"您要求删除数据的申请 {seen.reference} 开始核对，最晚 12月14日（周一） 23:59 前办完。",
    )
    assert refused[:2] == (mother, "data_request")
    assert "数据都还在。原因：有理赔在办。" in refused[2]
    assert father not in {who for who, _, _ in told(store)}
