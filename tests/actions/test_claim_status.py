"""How claims stand, in conversation: due times, amounts, reasons (C1 to C4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from actions.claim_status import ActionCheckClaimStatus
from bot.clock import TZ
from bot.store.models import Claim, ClaimEvent
from bot.store.session import Store

Run = Callable[..., Any]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture(autouse=True)
def parent(bind: Callable[..., int]) -> int:
    return bind("13800000301")


@pytest.fixture
def stand(store: Store) -> Callable[..., None]:
    """Bring C3002 into a state, with what goes with it."""

    def change(status: str, reason: str | None = None, **columns: object) -> None:
        with store.begin() as session:
            row = session.scalars(sa.select(Claim).where(Claim.reference == "C3002")).one()
            if row.status != status:
                row.events.append(
                    ClaimEvent(at=NOW, actor="staff:lin", status=status, reason=reason)
                )
            row.status = status
            for name, value in columns.items():
                setattr(row, name, value)

    return change


def told(run: Run, text: str = "理赔到哪了") -> str:
    reply = run(ActionCheckClaimStatus(), text, "check_claim_status")
    lines: list[str] = [line for line in reply.text.splitlines() if line.startswith("· C3002")]
    return "".join(lines)


@pytest.mark.parametrize(
    ("status", "columns", "said"),
    [
        ("submitted", {}, "已提交，最晚 12月1日（周二） 23:59 结案"),
        ("settling", {"due_at": datetime(2026, 11, 20, 23, 59, 59, tzinfo=TZ)}, "已超时"),
        ("submitted", {"due_at": None, "originals_received_at": None}, "原件还没收到"),
        (
            "submitted",
            {
                "due_at": None,
                "originals_received_at": None,
                "originals_tracking": "SF1234567890123",
            },
            "原件在路上（单号 SF1234567890123）",
        ),
        (
            "approved",
            {
                "approved_amount": Decimal(46000),
                "payout_due_at": datetime(2026, 11, 25, 23, 59, 59, tzinfo=TZ),
            },
            "已通过，赔 46,000 元，最晚 11月25日（周三） 23:59 到账",
        ),
        (
            "approved",
            {
                "approved_amount": Decimal(46000),
                "payout_due_at": datetime(2026, 11, 20, 23, 59, 59, tzinfo=TZ),
            },
            "应在 11月20日（周五） 23:59 前到账，已超时",
        ),
        ("approved", {"approved_amount": Decimal(46000)}, "到账日手册没有写"),
        (
            "paid",
            {
                "approved_amount": Decimal("45000.50"),
                "paid_at": NOW,
                "bank_account": "sealed",
                "bank_tail": "0128",
            },
            "已付款，赔 45,000.50 元，11月23日（周一） 打款，收款卡尾号 0128",
        ),
        ("withdrawn", {}, ""),
    ],
)
def test_each_state_is_told_with_its_times(
    run: Run, stand: Callable[..., None], status: str, columns: dict[str, Any], said: str
) -> None:
    stand(status, **columns)
    if said:
        assert said in told(run)
    else:
        assert told(run) == ""


def test_a_rejection_is_told_with_its_reason(run: Run, stand: Callable[..., None]) -> None:
    stand("rejected", "既往症不在保障内", approved_amount=Decimal(0))
    line = told(run, "为什么没通过")
    assert line.endswith("未通过。原因：既往症不在保障内")
    assert "赔 0" not in line


def test_a_part_is_told_with_its_reason_even_once_it_is_paid(
    run: Run, stand: Callable[..., None]
) -> None:
    stand("partly_approved", "床位费超标", approved_amount=Decimal(40000))
    assert "部分通过，赔 40,000 元" in told(run, "赔了多少")
    stand("paid", paid_at=NOW)
    assert told(run).endswith("打款。原因：床位费超标")


def test_why_it_was_refused_is_asked_of_the_refused_one(
    run: Run, stand: Callable[..., None]
) -> None:
    stand("rejected", "既往症不在保障内", approved_amount=Decimal(0))
    reply = run(ActionCheckClaimStatus(), "为什么没通过", "check_claim_status")
    assert "C3001" not in reply.text
    assert "C3003" not in reply.text


def test_what_was_paid_is_asked_of_what_was_sent_in(run: Run) -> None:
    reply = run(ActionCheckClaimStatus(), "钱什么时候到", "check_claim_status")
    assert "C3002" in reply.text
    assert "C3001" not in reply.text


def test_a_claim_that_lacks_papers_comes_with_a_tick_list(run: Run) -> None:
    reply = run(ActionCheckClaimStatus(), "理赔到哪一步了", "check_claim_status")
    (shown,) = [message for message in reply.messages if message["image"]]
    assert shown["image"].startswith("/pictures/claim.C3001.")
    assert "费用明细清单 还缺" in shown["alt"]
    assert "已收到 7 项，还缺 2 项" in shown["alt"]
