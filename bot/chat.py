"""``bot chat``: talks to a running bot in the terminal, through its REST channel.

What the bot says by itself (reminders, decisions) is fetched every two seconds and shown between
the lines.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from bot.errors import OperatorError
from bot.settings import Settings

# A turn may wait for a slow action; no turn takes this long.
TIMEOUT_S = 60.0
PATH = "/webhooks/rest/webhook"
UPLOAD_PATH = "/webhooks/rest/upload"
UPLOAD = "/upload"
LARGEST_UPLOAD = 80 * 1024 * 1024
MESSAGES = "/webhooks/rest/messages"
POLL_S = 2.0
# Of what came while nobody looked, so many are shown.
MISSED = 3
QUIT = frozenset({"/quit", "/exit", "/q"})
NOT_RUNNING = "没有正在运行的小助手：先在另一个终端运行 uv run bot up"


@dataclass(frozen=True)
class Button:
    """A choice: what is shown, and what is sent when it is taken."""

    title: str
    payload: str


class Conversation:
    """One conversation with the bot."""

    def __init__(self, client: httpx.Client, sender: str) -> None:
        """Begin.

        Args:
            client: With the Rasa server as its base address.
            sender: Who talks; another sender is another parent.
        """
        self._client = client
        self._sender = sender
        self._buttons: tuple[Button, ...] = ()
        self._after = 0

    def say(self, text: str) -> list[dict[str, Any]]:
        """Send a text, or the number of one of the last answer's buttons; return the answers.

        Raises:
            OperatorError: The bot is not running or does not answer.
        """
        message = self._chosen(text)
        return self._post(PATH, json={"sender": self._sender, "message": message})

    def upload(self, paths: Sequence[Path]) -> list[dict[str, Any]]:
        """Send files; return the answers.

        Raises:
            OperatorError: As :meth:`say`.
            OSError: A file cannot be read.
        """
        files = [("file", (path.name, path.read_bytes())) for path in paths]
        return self._post(UPLOAD_PATH, data={"sender": self._sender}, files=files)

    def _post(self, path: str, **body: Any) -> list[dict[str, Any]]:
        try:
            response = self._client.post(path, **body)
            response.raise_for_status()
            answers: list[dict[str, Any]] = response.json()
        except httpx.ConnectError as error:
            raise OperatorError(NOT_RUNNING) from error
        except httpx.TimeoutException as error:
            raise OperatorError(
                f"小助手 {TIMEOUT_S:.0f} 秒没有回答：看 var/logs 里的日志"
            ) from error
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise OperatorError(
                f"小助手拒绝了这句话（HTTP {status}）：看 var/logs 里的日志"
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            raise OperatorError(
                "对话中断了：看 var/logs 里的日志，再运行 uv run bot chat"
            ) from error
        self._buttons = buttons_of(answers)
        return answers

    def news(self) -> list[dict[str, Any]]:
        """Return what the bot said by itself since the last call; nothing if it cannot be asked.

        The buttons of the newest message can be taken by number from then on.
        """
        try:
            response = self._client.get(
                MESSAGES, params={"sender": self._sender, "after": self._after}
            )
            response.raise_for_status()
            found: list[dict[str, Any]] = response.json()
        except (httpx.HTTPError, ValueError):
            # The next line typed will say what is wrong.
            return []
        if found:
            self._after = int(found[-1]["id"])
            self._buttons = buttons_of(found[-1:])
        return found

    def _chosen(self, text: str) -> str:
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(self._buttons):
            return self._buttons[int(text) - 1].payload
        return text


def buttons_of(answers: Sequence[dict[str, Any]]) -> tuple[Button, ...]:
    """Return all buttons of the answers to one message, in their order."""
    return tuple(
        Button(str(button.get("title", "")), str(button.get("payload") or button.get("title", "")))
        for answer in answers
        for button in answer.get("buttons") or ()
    )


def show(answers: Sequence[dict[str, Any]], console: Console) -> None:
    """Print answers; buttons are numbered through."""
    number = 0
    for answer in answers:
        lines = [escape(str(answer["text"]))] if answer.get("text") else []
        for key in ("image", "attachment"):
            if answer.get(key):
                lines.append(escape(str(answer[key])))
        for button in buttons_of([answer]):
            number += 1
            lines.append(f"  [bold cyan]{number}[/] {escape(button.title)}")
        if lines:
            console.print(Panel("\n".join(lines), border_style="green", expand=False))


def run(
    settings: Settings, sender: str, console: Console, read: Callable[[], str] | None = None
) -> None:
    """Talk until ``/quit`` or the end of the input.

    Args:
        settings: The port.
        sender: Who talks.
        console: Where to print.
        read: Returns the next line, raises EOFError at the end; by default asks in the terminal.

    Raises:
        OperatorError: The bot is not running or does not answer.
    """
    if settings.env != "demo":
        raise OperatorError("BOT_ENV=production 时没有终端对话：REST 通道只用于演示和测试")
    ask = read or (lambda: console.input("[bold]您：[/]"))
    base = f"http://127.0.0.1:{settings.rasa_port}"
    with httpx.Client(base_url=base, timeout=TIMEOUT_S, trust_env=False) as client:
        try:
            client.get("/").raise_for_status()
        except httpx.HTTPError as error:
            raise OperatorError(NOT_RUNNING) from error
        console.print(f"直接打字，数字选按钮，/upload 文件 发照片或 PDF。（会话 {escape(sender)}）")
        console.print("/quit 退出。")
        conversation = Conversation(client, sender)
        show_news(conversation.news()[-MISSED:], console)
        with _listening(conversation, console):
            while True:
                try:
                    text = ask().strip()
                except (EOFError, KeyboardInterrupt):
                    console.print()
                    return
                if text in QUIT:
                    return
                if text == UPLOAD or text.startswith(f"{UPLOAD} "):
                    _upload(conversation, text.removeprefix(UPLOAD), console)
                elif text:
                    show(conversation.say(text), console)


def show_news(messages: Sequence[dict[str, Any]], console: Console) -> None:
    """Print what the bot said by itself; the buttons of the newest are numbered."""
    for message in messages:
        console.print("\n[dim]小助手发来一条消息[/]")
        show([message], console)


@contextmanager
def _listening(conversation: Conversation, console: Console) -> Iterator[None]:
    stop = threading.Event()

    def listen() -> None:
        while not stop.wait(POLL_S):
            show_news(conversation.news(), console)

    threading.Thread(target=listen, name="news", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _upload(conversation: Conversation, named: str, console: Console) -> None:
    try:
        paths = [Path(name).expanduser() for name in shlex.split(named)]
        size = sum(path.stat().st_size for path in paths)
        if not paths or size > LARGEST_UPLOAD:
            console.print("用法：/upload 文件 [文件…]，一次合起来不超过 80 MB")
            return
        show(conversation.upload(paths), console)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        console.print(f"读不了这个文件：{escape(reason)}")
