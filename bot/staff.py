"""``bot staff``: what staff do with requests, until they have a page of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot.errors import OperatorError
from bot.staff_account import complaints_app, data_app

if TYPE_CHECKING:
    from bot.services.claim_settlement import Staff
    from bot.services.claims import ClaimView
    from bot.store.session import Store

out = Console(highlight=False)
staff_app = typer.Typer(help="工作人员处理家长的申请。", no_args_is_help=True)
claims_app = typer.Typer(help="理赔：要材料、收原件、理算、打款。", no_args_is_help=True)
staff_app.add_typer(claims_app, name="claims")
staff_app.add_typer(complaints_app, name="complaints")
staff_app.add_typer(data_app, name="data")

Reference = Annotated[str, typer.Argument(help="理赔编号，例如 C10005。")]
Who = Annotated[str, typer.Option("--as", help="谁在处理，记入审计。")]
Version = Annotated[int, typer.Option(help="list 里看到的版本；变过就要重看。")]
Reason = Annotated[str, typer.Option(help="告诉家长的原因。")]
Paper = Annotated[list[str], typer.Option(help="材料=原因，可写几个，例如 invoice=看不清。")]


@claims_app.command("list", help="列出没办完的理赔，先到期的在前。")
def list_claims(
    status: Annotated[str | None, typer.Option(help="只看这种状态。")] = None,
) -> None:
    """List claims with their versions."""
    from bot.services import claim_settlement, wording

    with _store() as store:
        for claim in claim_settlement.worklist(store, status=status):
            due = f"{claim.due_at:%m-%d %H:%M}" if claim.due_at else "-"
            state = wording.word("claim_status", claim.status)
            out.print(
                f"{claim.reference}  版本 {claim.version}  {state}  {wording.yuan(claim.amount)} 元"
                f"  期限 {due}  缺 {wording.listed(list(claim.missing)) or '-'}",
                soft_wrap=True,
            )


@claims_app.command("ask", help="向家长要材料。")
def ask(reference: Reference, paper: Paper, who: Who, version: Version) -> None:
    """Ask for documents."""
    from bot.services import claim_settlement

    papers = dict(_split(one) for one in paper)
    _do(claim_settlement.ask_for_papers, reference, who, version, papers=papers)


@claims_app.command("unreadable", help="有材料看不清，请家长重交。")
def unreadable(reference: Reference, paper: Paper, who: Who, version: Version) -> None:
    """Refuse one document."""
    from bot.services import claim_settlement

    if len(paper) != 1:
        raise OperatorError("一次只退一种材料")
    document, reason = _split(paper[0])
    _do(
        claim_settlement.mark_unreadable,
        reference,
        who,
        version,
        document=document,
        reason=reason,
    )


@claims_app.command("originals", help="住院原件收到了。")
def originals(reference: Reference, who: Who, version: Version) -> None:
    """Note that the originals have come."""
    from bot.services import claim_settlement

    _do(claim_settlement.originals_received, reference, who, version)


@claims_app.command("settle", help="开始理算。")
def settle(reference: Reference, who: Who, version: Version) -> None:
    """Begin to settle."""
    from bot.services import claim_settlement

    _do(claim_settlement.start_settling, reference, who, version)


@claims_app.command("decide", help="通过、部分通过或不通过。")
def decide(
    reference: Reference,
    outcome: Annotated[str, typer.Argument(help="approved、partly_approved 或 rejected。")],
    who: Who,
    version: Version,
    amount: Annotated[str, typer.Option(help="赔多少元。")] = "0",
    reason: Reason = "",
    full_visit: Annotated[bool, typer.Option(help="用掉一次门诊全额赔付。")] = False,
) -> None:
    """Decide a claim."""
    from bot.rules.claims import ClaimState
    from bot.services import claim_settlement

    try:
        decision = claim_settlement.Decision(
            ClaimState(outcome), Decimal(amount), reason or None, full_visit
        )
    except (ValueError, InvalidOperation) as error:
        raise OperatorError(
            "结果要是 approved、partly_approved 或 rejected，金额要是数字"
        ) from error
    _do(claim_settlement.decide, reference, who, version, decision=decision)


@claims_app.command("pay", help="已打款。")
def pay(reference: Reference, who: Who, version: Version) -> None:
    """Note that the money was sent."""
    from bot.services import claim_settlement

    _do(claim_settlement.pay, reference, who, version)


@claims_app.command("account", help="看收款账户；会记入审计。")
def account(reference: Reference, who: Who) -> None:
    """Show where a claim is paid to."""
    from bot import clock
    from bot.services import claim_settlement

    with _store() as store, _told():
        found = claim_settlement.payout_account(
            store, reference=reference, actor=f"staff:{who}", now=clock.now()
        )
    out.print(f"{found.card}  {found.branch}")


def _split(paper: str) -> tuple[str, str]:
    document, _, reason = paper.partition("=")
    if not reason.strip():
        raise OperatorError("材料要写成 invoice=看不清 这样")
    return document.strip(), reason.strip()


def _do(job: Callable[..., ClaimView], reference: str, who: str, version: int, **more: Any) -> None:
    from bot.services import wording

    with _store() as store, _told():
        claim = job(store, reference=reference, staff=_staff(who, version), **more)
    state = wording.word("claim_status", claim.status)
    out.print(f"{claim.reference}  版本 {claim.version}  {state}")


def _staff(who: str, version: int) -> Staff:
    from bot import clock
    from bot.services.claim_settlement import Staff

    return Staff(f"staff:{who}", clock.now(), version)


@contextmanager
def _store() -> Iterator[Store]:
    from bot import provision, serve
    from bot.settings import load_settings
    from bot.store.session import Store

    settings = load_settings()
    provision.make_folders(settings)
    serve.prepare("bot", settings, echo=False, names=False)
    with provision.store_errors(settings):
        yield Store(settings.store_url)


@contextmanager
def _told() -> Iterator[None]:
    """Turn a service's refusal into a sentence.

    Raises:
        OperatorError: Always when it refuses.
    """
    from bot.services import wording
    from bot.services.errors import Conflict, NotFound, Refused

    try:
        yield
    except NotFound as error:
        raise OperatorError("没有这个理赔，或没有录过银行卡") from error
    except Conflict as error:
        raise OperatorError("这个理赔刚被改过：用 list 再看一遍") from error
    except Refused as error:
        raise OperatorError(f"办不了：{wording.word('refused', error.reason)}") from error
