"""``bot staff complaints`` and ``bot staff data``: answering complaints, deciding on erasure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from bot.errors import OperatorError

if TYPE_CHECKING:
    from bot.services.complaints import ComplaintView
    from bot.services.data_requests import DataRequestView
    from bot.store.session import Store

out = Console(highlight=False)
complaints_app = typer.Typer(help="投诉建议：受理、答复。", no_args_is_help=True)
data_app = typer.Typer(help="删除数据的申请：核查、删除或不删。", no_args_is_help=True)

Complaint = Annotated[str, typer.Argument(help="投诉编号，例如 F10001。")]
Request = Annotated[str, typer.Argument(help="申请编号，例如 D10001。")]
Who = Annotated[str, typer.Option("--as", help="谁在处理，记入审计。")]
Version = Annotated[int, typer.Option(help="list 里看到的版本；变过就要重看。")]


@complaints_app.command("list", help="列出没答复的投诉和建议，先到期的在前。")
def list_complaints() -> None:
    """List complaints with their versions, in the parents' words."""
    from bot.services.complaints import open_complaints

    with _store() as store:
        for seen in open_complaints(store):
            _show_complaint(seen)
            for text in (seen.text, *seen.notes):
                out.print(f"    {escape(text)}", soft_wrap=True)


@complaints_app.command("take", help="受理。")
def take_complaint(reference: Complaint, who: Who, version: Version) -> None:
    """Take a complaint up."""
    from bot import clock
    from bot.services.complaints import take_up

    with _store() as store:
        seen = take_up(
            store, reference=reference, actor=f"staff:{who}", now=clock.now(), version=version
        )
    _show_complaint(seen)


@complaints_app.command("answer", help="答复，家长会收到原话。")
def answer_complaint(
    reference: Complaint,
    who: Who,
    version: Version,
    text: Annotated[str, typer.Option(help="告诉家长的话。")],
) -> None:
    """Answer a complaint that was taken up."""
    from bot import clock
    from bot.services.complaints import resolve

    with _store() as store:
        seen = resolve(
            store,
            reference=reference,
            actor=f"staff:{who}",
            answer=text,
            now=clock.now(),
            version=version,
        )
    _show_complaint(seen)


@data_app.command("list", help="列出没办完的申请，先到期的在前。")
def list_requests() -> None:
    """List wishes for erasure with their versions."""
    from bot.services.data_requests import open_requests

    with _store() as store:
        for seen in open_requests(store):
            _show_request(seen)


@data_app.command("take", help="开始核查。")
def take_request(reference: Request, who: Who, version: Version) -> None:
    """Begin to check a wish for erasure."""
    from bot import clock
    from bot.services.data_requests import take_up

    with _store() as store:
        seen = take_up(
            store, reference=reference, actor=f"staff:{who}", now=clock.now(), version=version
        )
    _show_request(seen)


@data_app.command("erase", help="删除能删的：绑定、聊天记录、给家长的消息。不能撤回。")
def erase_data(
    reference: Request,
    who: Who,
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", help="确认删除。")] = False,
) -> None:
    """Erase what may be erased."""
    from bot import clock
    from bot.services.data_requests import erase
    from bot.store.files import get_files

    if not yes:
        raise OperatorError("删了找不回来：确定要删，加上 --yes")
    with _store() as store:
        seen = erase(
            store,
            get_files(),
            reference=reference,
            actor=f"staff:{who}",
            now=clock.now(),
            version=version,
        )
    _show_request(seen)


@data_app.command("refuse", help="不删，说明原因，家长查进度时看得到。")
def refuse_erasure(
    reference: Request,
    who: Who,
    version: Version,
    reason: Annotated[str, typer.Option(help="告诉家长的原因。")],
) -> None:
    """Refuse a wish for erasure."""
    from bot import clock
    from bot.services.data_requests import refuse

    with _store() as store:
        seen = refuse(
            store,
            reference=reference,
            actor=f"staff:{who}",
            reason=reason,
            now=clock.now(),
            version=version,
        )
    _show_request(seen)


def _show_complaint(seen: ComplaintView) -> None:
    state = f"{seen.kind}  {seen.status}"
    out.print(f"{seen.reference}  版本 {seen.version}  {state}  期限 {seen.due_at:%m-%d %H:%M}")


def _show_request(seen: DataRequestView) -> None:
    due = f"{seen.due_at:%m-%d %H:%M}" if seen.due_at else "-"
    out.print(f"{seen.reference}  版本 {seen.version}  {seen.status}  期限 {due}")


@contextmanager
def _store() -> Iterator[Store]:
    """Open the settings' store; turn what a service refuses into a sentence.

    Raises:
        OperatorError: See there.
    """
    from bot import provision, serve
    from bot.services.errors import Conflict, NotFound, Refused
    from bot.settings import load_settings
    from bot.store.session import Store

    settings = load_settings()
    provision.make_folders(settings)
    serve.prepare("bot", settings, echo=False, names=False)
    try:
        with provision.store_errors(settings):
            yield Store(settings.store_url)
    except NotFound as error:
        raise OperatorError("没有这个编号") from error
    except Conflict as error:
        raise OperatorError("刚被改过：用 list 再看一遍") from error
    except Refused as error:
        reasons = {
            "state": "先受理，再办下一步；办过的不能再办",
            "answer": "要写清给家长的话",
        }
        raise OperatorError(f"办不了：{reasons.get(error.reason, error.reason)}") from error
