"""An agent at the desk, in a browser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from bot.store.demo.staff import PASSWORD
from tests.browser.conftest import WAIT_MS, watch_page

SIZE = (1360, 850)


@dataclass
class Desk:
    """A browser of one member of staff; what it complains of is noted in ``faults``."""

    page: Page
    web: str
    folder: Path
    faults: list[str]

    def sign_in(self, login: str) -> None:
        self.page.goto(f"{self.web}/desk")
        self.page.fill("[name=login]", login)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("button.main")
        self.page.wait_for_url("**/desk/queue*")

    def present(self, status: str = "online") -> None:
        self.page.goto(f"{self.web}/desk/queue")
        self.page.select_option("[name=status]", status)
        self.page.click("section.bar button")
        self.page.wait_for_url("**said=presence")

    def take_offered(self) -> None:
        """Take what the desk offers by itself."""
        self.page.click("section.attention button.main")
        self.page.wait_for_url("**/desk/conversations/*")

    def open(self, number: int) -> None:
        self.page.goto(f"{self.web}/desk/conversations/{number}")

    @property
    def number(self) -> int:
        return int(self.page.url.rsplit("/", 1)[1])

    def write(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def says(self, text: str) -> None:
        """Type and send; wait until the desk has it."""
        self.write(text)
        self.page.locator(".line.agent:not(.pending)", has_text=text).wait_for()

    def hears(self, text: str, side: str = "parent") -> float:
        """Wait for a line of one side; return after how many seconds it was there."""
        began = time.monotonic()
        self.page.locator(f".line.{side}", has_text=text).last.wait_for()
        return time.monotonic() - began

    def texts(self, side: str) -> list[str]:
        return self.page.locator(f".line.{side}:not(.pending) .bubble").all_inner_texts()

    def handle(self, summary: str, **filled: str) -> None:
        """Open a part of "处理", fill it in and send it."""
        part = self.page.locator("details", has=self.page.locator("summary", has_text=summary))
        part.locator("summary").click()
        for name, value in filled.items():
            field = part.locator(f"[name={name}]")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        part.locator("button").click()

    def shoot(self, name: str) -> None:
        self.page.wait_for_timeout(150)
        size = self.page.viewport_size
        assert size
        self.page.screenshot(path=self.folder / f"desk-{size['width']}-{name}.png")


def open_desk(browser: Browser, web: str, folder: Path, size: tuple[int, int] = SIZE) -> Desk:
    """Open a browser that nobody has signed in with."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    context.set_default_timeout(WAIT_MS)
    desk = Desk(context.new_page(), web, folder, [])
    watch_page(desk.page, desk.faults)
    return desk
