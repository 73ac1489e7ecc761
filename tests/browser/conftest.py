"""A real browser at a running bot: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from bot.services import mailbox
from bot.services.identity import identify
from bot.store.models import ChatIdentity, ChatMessage
from bot.store.session import Store
from tests.chromium import launched
from tests.conftest import RunningBot

# A bot of its own: its processes are killed here.
NOW = "2026-11-23T10:05:00+08:00"
# A server that was killed comes back after a pause, on a machine that may be busy.
WAIT_MS = 60_000
Open = Callable[..., "Chat"]
NARROW, WIDE = (360, 740), (1280, 800)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from launched()


@pytest.fixture(scope="module")
def bot(start_bot: Callable[[str], RunningBot]) -> RunningBot:
    return start_bot(NOW)


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the page are left: the folder ``PAGE_SCREENSHOTS``, or pytest's."""
    given = os.environ.get("PAGE_SCREENSHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class Chat:
    """A parent at the page."""

    page: Page
    folder: Path
    faults: list[str]

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def texts(self, side: str = "bot") -> list[str]:
        """Return what one side has said, as it is shown."""
        return self.page.locator(f".line.{side}:not(.pending) .bubble").all_inner_texts()

    def online(self) -> None:
        self.page.wait_for_selector("body.is-online")

    def write(self, text: str) -> None:
        """Type and send, without waiting."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def say(self, text: str) -> str:
        """Type and send; return the answer's last text."""
        return self.answered(lambda: self.write(text))

    def press(self, title: str) -> str:
        """Take the last such quick reply that can be taken; return the answer's last text."""
        return self.answered(self.choice(title).click)

    def choice(self, title: str) -> Locator:
        free = self.page.locator(".choice:not([aria-disabled=true])")
        return free.filter(has_text=re.compile(f"^{title}$")).last

    def answered(self, act: Callable[[], object]) -> str:
        before = self.page.locator(".line.bot").count()
        act()
        self.page.wait_for_function(
            "n => document.querySelectorAll('.line.bot').length > n"
            " && document.querySelector('#typing').hidden"
            " && !document.querySelector('.line.pending')",
            arg=before,
        )
        return "\n".join(self.texts()[before:])

    def bind(self, child: str, phone: str) -> None:
        said = self.say(f"绑定保单 {child} {phone}")
        code = re.search(r"验证码：(\d{6})", said)
        assert code, said
        assert child in self.say(code[1])

    def shoot(self, name: str) -> None:
        size = self.page.viewport_size
        assert size
        # What moves would make each picture another.
        self.page.wait_for_timeout(150)
        self.page.screenshot(path=self.folder / f"{size['width']}-{name}.png")


@pytest.fixture
def open_page(
    browser: Browser, bot: RunningBot, screenshots: Path
) -> Iterator[Callable[..., Chat]]:
    """Open the page as a new parent; what the browser complains of fails the test."""
    opened: list[Chat] = []

    def make(size: tuple[int, int] = NARROW, **given: Any) -> Chat:
        width, height = size
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, locale="zh-CN", **given)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        chat = Chat(context.new_page(), screenshots, [])
        watch(chat)
        opened.append(chat)
        chat.page.goto(bot.web)
        chat.online()
        return chat

    yield make
    faults = [fault for chat in opened for fault in chat.faults]
    for chat in opened:
        chat.context.close()
    assert faults == []


def watch(chat: Chat) -> None:
    """See :func:`watch_page`."""
    watch_page(chat.page, chat.faults)


def watch_page(page: Page, faults: list[str]) -> None:
    """Note errors of scripts, breaches of the content policy, and dialogs."""

    def console(message: Any) -> None:
        # A connection that breaks is part of some tests.
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(message.text)

    def dialog(opened: Any) -> None:
        faults.append(f"dialog: {opened.message}")
        opened.dismiss()

    page.on("console", console)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", dialog)


def part(bot: RunningBot, name: str) -> psutil.Process:
    """Return the process of a part of a running bot."""
    for child in psutil.Process(bot.process.pid).children(recursive=True):
        if child.cmdline()[-10:] and "serve" in child.cmdline() and name in child.cmdline():
            return child
    raise AssertionError(f"{name} does not run")


@contextmanager
def down(bot: RunningBot, *names: str) -> Iterator[None]:
    """Kill parts of the bot, as a crash would; go on when they are up again."""
    old = [part(bot, name) for name in names]
    for process in old:
        process.kill()
    yield
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            well = httpx.get(f"{bot.web}/health", timeout=5).status_code == httpx.codes.OK
        except httpx.HTTPError:
            well = False
        if well and not any(process.is_running() for process in old):
            return
        time.sleep(0.2)
    raise AssertionError("not up again")


def store_of(bot: RunningBot) -> Store:
    (path,) = bot.var.glob("store-*.sqlite")
    return Store(f"sqlite:///{path}")


def account_of(chat: Chat) -> str:
    (cookie,) = chat.context.cookies()
    return str(cookie["value"]).split(".")[0]


def said_by_bot(bot: RunningBot, chat: Chat, text: str, *titles: str) -> None:
    """Let the bot say something by itself, as a reminder does."""
    store = store_of(bot)
    message: dict[str, object] = {"text": text}
    if titles:
        message["buttons"] = [{"title": one, "payload": f"/{one}"} for one in titles]
    who = identify(store, "web", account_of(chat))
    with store.begin() as session:
        row = session.get(ChatIdentity, who.id)
        assert row
        now = session.scalar(sa.select(sa.func.max(ChatMessage.at)))
        mailbox.append(session, identity_id=who.id, message=message, at=now)
    store.dispose()
