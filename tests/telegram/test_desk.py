"""A parent in Telegram and agents at the desk, each in a browser: one conversation, whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests import pictures
from tests.browser.desk_page import Desk, open_desk
from tests.chromium import launched

cloud_module = sys.modules["telegram_cloud"]
ACCOUNTS = count(7_100_001)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from launched()


@pytest.fixture
def staff(browser: Browser, telegram_bot: Any, tmp_path: Path) -> Iterator[Any]:
    """Sign somebody in, there and ready."""
    opened: list[Desk] = []

    def make(login: str) -> Desk:
        desk = open_desk(browser, telegram_bot.web, tmp_path)
        opened.append(desk)
        desk.sign_in(login)
        desk.present()
        return desk

    yield make
    for desk in opened:
        desk.present("offline")
        desk.page.context.close()
    assert [fault for desk in opened for fault in desk.faults] == []


def photo() -> bytes:
    return bytes(pictures.jpeg(pictures.page()))


def test_from_asking_to_rating(cloud: Any, telegram_bot: Any, staff: Any) -> None:
    parent = cloud_module.TelegramParent(cloud, next(ACCOUNTS))
    parent.say("我要找真人", "排在第 1 位")
    lin = staff("lin")
    lin.take_offered()
    assert "我要找真人" in lin.texts("parent")
    assert "Telegram" in lin.page.inner_text("#head")
    parent.hear("小林已接入")
    lin.says("您好，我是小林。<b>请讲</b>")
    parent.hear("<b>请讲</b>")

    parent.send(text="发票金额看不懂")
    lin.hears("发票金额看不懂")
    parent.photo(photo())
    lin.page.locator(".line.parent img").wait_for()
    lin.page.wait_for_function(
        "() => [...document.querySelectorAll('.line.parent img')].every(i => i.naturalWidth > 0)"
    )
    content = {"name": "说明.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    lin.page.set_input_files("#file", content)
    parent.hear(r"\[sendPhoto\]")
    assert not any("小助手" in text for text in parent.quiet()), "the bot is silent"

    zhou = staff("zhou")
    lin.page.reload()
    lin.handle("转给同事", to="2", note="看发票")
    lin.page.wait_for_url("**said=transferred")
    parent.hear("已转给小周")
    zhou.page.locator("tr.unread a, section.card a[href*=conversations]").first.click()
    zhou.page.wait_for_url("**/desk/conversations/*")
    assert "看发票" in zhou.texts("note")
    zhou.says("我接着看。")
    parent.hear("我接着看")
    zhou.handle("办结")
    zhou.page.wait_for_url("**said=resolved")
    parent.hear("满意吗")
    parent.press("5 很满意", "谢谢您的评价")
    parent.say("你能做什么", "额度")
