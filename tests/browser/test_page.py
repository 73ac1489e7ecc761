"""The chat page in a real browser, as parents use it."""

from __future__ import annotations

import io
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import NARROW, WIDE, Chat, Open, account_of, said_by_bot
from tests.conftest import RunningBot
from tests.pictures import page as drawn

HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script><b onclick=alert(3)>粗</b>"
    " javascript:alert(4) &lt;i&gt; {{7*7}}"
)
SERIOUS = {"serious", "critical"}


def photo(seed: int) -> bytes:
    out = io.BytesIO()
    drawn(seed).save(out, "JPEG")
    return out.getvalue()


def violations(chat: Chat) -> list[str]:
    """Return what axe-core finds that keeps people out."""
    found = Axe().run(chat.page)
    return [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found.response["violations"]
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(
    ("size", "child", "phone", "day"),
    [
        (NARROW, "王小满", "13800000101", "12月9日"),
        (WIDE, "陈一诺", "13800000301", "12月10日"),
    ],
    ids=["360x740", "1280x800"],
)
def test_a_parent_binds_asks_books_and_sends_photos(
    open_page: Open, size: tuple[int, int], child: str, phone: str, day: str
) -> None:
    chat = open_page(size)
    assert "不是医生" in chat.page.inner_text(".greeting")
    chat.shoot("1-greeting")
    chat.bind(child, phone)
    balance = chat.say("还剩多少门诊额度")
    assert child in balance
    assert re.search(r"剩 [\d,.]+ 元", balance)
    chat.shoot("2-balance")

    chat.say(f"我想约新华医院耳鼻喉科 {day}")
    assert "请核对" in chat.press("上午")
    chat.shoot("3-summary")
    booked = chat.press("确认")
    assert re.search(r"预约已提交，编号 A\d+", booked)
    # What was pressed cannot be pressed again.
    assert chat.page.locator(".choice.taken").last.get_attribute("aria-disabled") == "true"

    chat.say("我要理赔，上海市儿童医院门诊，11月20号，580元")
    chat.press("确认")
    files = [
        {"name": f"发票{number}.jpg", "mimeType": "image/jpeg", "buffer": photo(number + size[0])}
        for number in range(2)
    ]
    answer = chat.answered(lambda: chat.page.set_input_files("#files", files))  # type: ignore[arg-type]
    assert "2 个文件" in answer
    assert chat.page.locator(".line.me .thumbs img").count() == 2
    chat.shoot("4-photos")
    chat.page.click("#services-open")
    chat.page.wait_for_selector("#services[open]")
    chat.shoot("5-services")
    mine = chat.answered(lambda: chat.page.click("#services [data-payload='/check_appointment']"))
    assert re.search(r"A\d+", mine)


def test_both_sides_are_there_after_a_reload(open_page: Open) -> None:
    chat = open_page()
    chat.say("公立医院门诊理赔要什么材料")
    chat.say("你是机器人吗")
    mine, bots = chat.texts("me"), chat.texts()
    assert mine == ["公立医院门诊理赔要什么材料", "你是机器人吗"]
    chat.page.reload()
    chat.online()
    chat.page.wait_for_function(
        "n => document.querySelectorAll('.line').length >= n", arg=len(mine + bots)
    )
    assert (chat.texts("me"), chat.texts()) == (mine, bots)
    assert chat.page.locator(".day").count() == 1
    other = open_page()
    assert other.texts("me") == []


def test_answers_to_past_questions_stay_used_after_a_reload(
    open_page: Open, bot: RunningBot
) -> None:
    chat = open_page()
    chat.say("你好")
    said_by_bot(bot, chat, "提交吗？", "affirm", "check_balance")
    chat.choice("affirm").wait_for()
    chat.say("你是谁")
    for _ in range(2):
        assert chat.choice("affirm").count() == 0
        assert chat.choice("check_balance").count() == 1
        chat.page.reload()
        chat.online()
        chat.page.wait_for_selector(".choice")


def test_two_windows_show_the_same(open_page: Open, bot: RunningBot) -> None:
    chat = open_page()
    second = Chat(chat.context.new_page(), chat.folder, chat.faults)
    second.page.goto(bot.web)
    second.online()
    chat.say("你好")
    second.page.wait_for_function(
        "n => document.querySelectorAll('.line').length === n",
        arg=chat.page.locator(".line").count(),
    )
    assert (second.texts("me"), second.texts()) == (chat.texts("me"), chat.texts())


def test_hostile_texts_are_shown_as_they_are(open_page: Open, bot: RunningBot) -> None:
    chat = open_page()
    chat.say(HOSTILE)
    said_by_bot(bot, chat, HOSTILE, "<b onclick=alert(5)>按钮</b>")
    chat.page.wait_for_selector(".choice >> text=按钮")
    assert chat.texts("me") == [HOSTILE]
    assert chat.texts()[-1] == HOSTILE
    for banned in ("img[src=x]", "script:not([src])", "b", "i"):
        assert chat.page.locator(f"#log {banned}").count() == 0
    chat.shoot("9-hostile")


def test_numbers_and_addresses_can_be_tapped(open_page: Open, bot: RunningBot) -> None:
    chat = open_page()
    said_by_bot(
        bot,
        chat,
        "请拨打120！热线 021-80209058，看 https://example.com/a?b=1。限额 120 元，编号 A10002、"
        "YX2026-000101，13800000101。",
    )
    chat.page.wait_for_selector("#log .line a")
    found = chat.page.locator("#log .line a").evaluate_all(
        "all => all.map((one) => [one.textContent, one.href])"
    )
    assert found == [
        ["120", "tel:120"],
        ["021-80209058", "tel:02180209058"],
        ["https://example.com/a?b=1", "https://example.com/a?b=1"],
        ["13800000101", "tel:13800000101"],
    ]


def test_no_barrier_for_anybody(open_page: Open, bot: RunningBot) -> None:
    found = {}
    for scheme in ("light", "dark"):
        chat = open_page(color_scheme=scheme, reduced_motion="reduce")
        found[scheme, "greeting"] = violations(chat)
        chat.say("帮我约医院")
        chat.say("我要绑定保单")
        said_by_bot(bot, chat, "提交吗？", "affirm", "deny")
        chat.choice("affirm").wait_for()
        found[scheme, "chat"] = violations(chat)
        chat.shoot(f"a-{scheme}")
        for name in ("services", "attach", "more"):
            chat.page.click(f"#{name}-open")
            chat.page.wait_for_selector(f"#{name}[open]")
            found[scheme, name] = violations(chat)
            chat.page.keyboard.press("Escape")
    assert {where: what for where, what in found.items() if what} == {}


def test_dark_where_the_parent_likes_it_dark(open_page: Open) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        chat = open_page(color_scheme=scheme)
        style = "getComputedStyle(document.body)"
        grounds.append(chat.page.evaluate(f"[{style}.backgroundColor, {style}.color]"))
    (light, ink), (dark, chalk) = (
        [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in pair] for pair in grounds
    )
    assert light > 600 > 200 > ink
    assert dark < 100 < 600 < chalk


def test_keys_are_enough(open_page: Open) -> None:
    chat = open_page()
    keyboard, page = chat.page.keyboard, chat.page
    page.locator("#services-open").focus()
    keyboard.press("Enter")
    page.wait_for_selector("#services[open]")
    assert page.evaluate("document.querySelector('#services').contains(document.activeElement)")
    keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "services-open"
    page.locator("#text").focus()
    keyboard.type("帮我约医院")
    keyboard.press("Shift+Enter")
    keyboard.type("谢谢")
    chat.answered(lambda: keyboard.press("Enter"))
    assert chat.texts("me") == ["帮我约医院\n谢谢"]
    assert page.evaluate("document.activeElement.id") == "text"
    live = page.locator("#log")
    assert (live.get_attribute("role"), live.get_attribute("aria-live")) == ("log", "polite")


@pytest.mark.parametrize("width", [320, 360, 412, 768, 1280])
def test_nothing_sticks_out(open_page: Open, bot: RunningBot, width: int) -> None:
    chat = open_page((width, 640))
    said_by_bot(
        bot, chat, f"https://example.com/{'long' * 60} {'字' * 200}", "很长的按钮" * 8, "短"
    )
    chat.page.wait_for_selector(".choice")
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= width
    assert chat.page.evaluate("document.querySelector('#scroll').scrollWidth") <= width
    small = chat.page.locator("button:visible, a.urgent").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().height < 44)"
        ".map((one) => one.outerHTML)"
    )
    assert small == []


def test_leaving_shows_nothing_to_whoever_comes_next(open_page: Open) -> None:
    chat = open_page()
    chat.say("你好")
    before = account_of(chat)
    chat.page.click("#more-open")
    chat.page.click("#leave")
    chat.page.click("#leave-now")
    chat.page.wait_for_function("() => document.querySelectorAll('.line').length === 0")
    chat.online()
    assert account_of(chat) != before
    assert chat.page.evaluate("sessionStorage.getItem('youxiang-outgoing')") in (None, "[]")
