"""Parents on the web page and agents at the desk, each in a browser of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from bot.services import handoff_timers
from bot.store.models import AgentPresence, HandOff
from tests import pictures
from tests.browser.conftest import NARROW, Chat, Open, down, store_of, watch
from tests.browser.desk_page import Desk, open_desk
from tests.conftest import RunningBot

NOW = "2026-11-23T10:25:00+08:00"
NIGHT = "2026-11-23T23:30:00+08:00"
OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="module")
def bot(start_bot: Callable[[str], RunningBot]) -> RunningBot:
    return start_bot(NOW)


@pytest.fixture(autouse=True)
def nothing_open(bot: RunningBot) -> None:
    """End what another test has left, and let nobody be there."""
    store = store_of(bot)
    with store.begin() as session:
        ended = {"status": "resolved", "open_key": None, "ended_at": datetime.fromisoformat(NOW)}
        session.execute(sa.update(HandOff).values(**ended))
        session.execute(sa.update(AgentPresence).values(status="offline"))
    store.dispose()


@pytest.fixture
def staff(browser: Browser, bot: RunningBot, screenshots: Path) -> Iterator[OpenDesk]:
    """Sign somebody in, there and ready unless told otherwise."""
    opened: list[Desk] = []

    def make(login: str, status: str | None = "online", web: str | None = None) -> Desk:
        desk = open_desk(browser, web or bot.web, screenshots)
        opened.append(desk)
        desk.sign_in(login)
        if status:
            desk.present(status)
        return desk

    yield make
    for desk in opened:
        desk.page.context.close()
    assert [fault for desk in opened for fault in desk.faults] == []


def photo(name: str = "发票.jpg") -> dict[str, object]:
    content = pictures.jpeg(pictures.page())
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def test_from_asking_to_rating(open_page: Open, staff: OpenDesk) -> None:
    parent = open_page()
    parent.bind("王小满", "13800000101")
    assert "排在第 1 位" in parent.say("我要找真人")
    lin = staff("lin")
    lin.page.locator("section.attention").wait_for()
    lin.shoot("1-offered")
    lin.take_offered()
    # The parent repeats nothing: all that was said is here, but for what is private.
    assert "我要找真人" in lin.texts("parent")
    assert not any("王小满" in text for text in lin.texts("parent") + lin.texts("bot"))
    parent.page.wait_for_function("() => document.body.innerText.includes('小林已接入')")

    lin.says("您好，我是小林。")
    parent.page.wait_for_function("() => document.body.innerText.includes('我是小林')")
    before = len(parent.texts())
    parent.write("报销单上的金额看不懂")
    lin.hears("报销单上的金额看不懂")
    parent.page.set_input_files("#files", photo())  # type: ignore[arg-type]
    lin.page.locator(".line.parent img").wait_for()
    lin.page.wait_for_function(
        "() => [...document.querySelectorAll('.line.parent img')].every(i => i.naturalWidth > 0)"
    )
    lin.page.set_input_files("#file", photo("说明.jpg"))  # type: ignore[arg-type]
    parent.page.locator(".line.bot img").wait_for()
    lin.shoot("2-talk")
    # The bot has said nothing meanwhile: one picture of the agent's.
    assert len(parent.texts()) <= before + 1

    zhou = staff("zhou")
    lin.page.reload()
    lin.handle("转给同事", to="2", note="金额问题，家长已发照片")
    lin.page.wait_for_url("**said=transferred")
    # Hers from here on; nothing is to be taken up.
    zhou.page.locator("tr.unread a").click()
    zhou.page.wait_for_url("**/desk/conversations/*")
    assert "金额问题，家长已发照片" in zhou.texts("note")
    zhou.says("我接着帮您看。")
    parent.page.wait_for_function("() => document.body.innerText.includes('我接着帮您看')")
    zhou.handle("办结", note="已解释")
    zhou.page.wait_for_url("**said=resolved")

    parent.choice("5 很满意").wait_for()
    parent.shoot("9-rating")
    assert "谢谢" in parent.press("5 很满意")
    assert "门诊" in parent.say("还剩多少额度")
    chen = staff("chen", None)
    assert "5 星" in chen.page.inner_text("#main")
    chen.shoot("3-ended")


def test_an_emergency_inside_a_claim(open_page: Open, staff: OpenDesk) -> None:
    calm = open_page()
    calm.say("转人工")
    parent = open_page()
    parent.bind("王小满", "13800000101")
    parent.say("我要理赔")
    assert "120" in parent.say("孩子喘不上气嘴唇发紫了")
    lin = staff("lin", "busy")
    lin.page.locator("section.attention").wait_for()
    attention = lin.page.inner_text("section.attention")
    assert "紧急" in attention
    assert "急情" in attention
    # The other one waits: whoever is busy is offered emergencies alone.
    assert "排队 1" in " ".join(lin.page.inner_text("#main").split())
    lin.shoot("4-emergency")
    lin.take_offered()
    lin.says("120 打了吗？孩子现在怎么样？")
    parent.page.wait_for_function("() => document.body.innerText.includes('120 打了吗')")
    lin.handle("办结")
    lin.page.wait_for_url("**said=resolved")
    # What the parent was doing is kept.
    parent.choice("接着办").wait_for()
    assert "理赔" in parent.press("接着办")
    assert "不排队了" in calm.say("取消排队")


def test_hostile_words_are_shown_as_text(open_page: Open, staff: OpenDesk) -> None:
    parent = open_page()
    parent.say("转人工")
    lin = staff("lin")
    lin.take_offered()
    for said in ("<script>document.title='x'</script>", "<img src=x onerror=alert(1)>\u202eabc"):
        parent.write(said)
    lin.hears("onerror=alert(1)>⟨202E⟩abc")
    assert "<script>document.title='x'</script>" in lin.texts("parent")
    assert lin.page.title() != "x"
    parent.write("长" * 4_000)
    lin.hears("长" * 100)
    lin.handle("办结")
    lin.page.wait_for_url("**said=resolved")


def test_out_of_hours(
    browser: Browser,
    start_bot: Callable[[str], RunningBot],
    staff: OpenDesk,
    screenshots: Path,
) -> None:
    night = start_bot(NIGHT)
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    parent = Chat(context.new_page(), screenshots, [])
    watch(parent)
    parent.page.goto(night.web)
    parent.online()
    # The bot goes on answering, and an emergency goes through.
    assert "原件" in parent.say("住院理赔要什么材料")
    assert "下班" in parent.say("转人工")
    parent.press("上班后给我回电")
    parent.say("住院理赔的材料想问清楚")
    assert "核对" in parent.say("13800000101")
    assert "登记好了" in parent.press("确认")
    lin = staff("lin", None, web=night.web)
    shown = lin.page.inner_text("#main")
    assert "现在不在服务时间，11-24 08:00 开始" in shown
    assert "要回电" in shown
    lin.shoot("5-night")
    lin.open(1)
    assert "138****0101" in lin.page.inner_text("aside")
    assert "120" in parent.say("孩子喘不上气嘴唇发紫")
    lin.page.goto(f"{lin.web}/desk/queue")
    lin.page.locator("strong.urgent").wait_for()
    context.close()
    assert parent.faults == []


def test_an_agent_falls_silent(open_page: Open, staff: OpenDesk, bot: RunningBot) -> None:
    parent = open_page()
    parent.say("转人工")
    lin = staff("lin")
    lin.take_offered()
    number = lin.number
    lin.says("您好")
    parent.write("在吗？急")
    lin.hears("在吗？急")
    # Nothing more is heard of this agent, whose page stays open.
    zhou = staff("zhou")
    store = store_of(bot)
    handoff_timers.tick(store, datetime.fromisoformat(NOW) + timedelta(minutes=6))
    store.dispose()
    zhou.take_offered()
    assert zhou.number == number
    assert "在吗？急" in zhou.texts("parent")
    assert any("正在换一位同事" in text for text in zhou.texts("system"))
    zhou.says("我是小周，我来。")
    parent.page.wait_for_function("() => document.body.innerText.includes('我是小周')")
    lin.write("抱歉刚才走开了")
    lin.page.locator("#composer .problem", has_text="不在您手上").wait_for()
    assert lin.page.input_value("#text") == "抱歉刚才走开了"
    zhou.handle("办结")
    zhou.page.wait_for_url("**said=resolved")


def test_the_desk_is_killed_in_the_middle(
    open_page: Open, staff: OpenDesk, bot: RunningBot
) -> None:
    parent = open_page()
    parent.say("转人工")
    lin = staff("lin")
    lin.take_offered()
    lin.says("您好")
    parent.page.wait_for_function("() => document.body.innerText.includes('您好')")
    with down(bot, "web"):
        lin.page.wait_for_selector("#connection:not([hidden])")
        for number in (1, 2):
            lin.write(f"坐席第{number}句")
            parent.write(f"家长第{number}句")
        lin.shoot("6-reconnecting")
    for number in (1, 2):
        lin.hears(f"家长第{number}句")
        lin.page.locator(".line.agent:not(.pending)", has_text=f"坐席第{number}句").wait_for()
        parent.page.wait_for_function(
            "text => document.body.innerText.includes(text)", arg=f"坐席第{number}句"
        )
    lin.page.wait_for_timeout(1_500)
    lin.page.reload()
    said = Counter(lin.texts("agent") + lin.texts("parent"))
    expected = [f"{who}第{number}句" for who in ("坐席", "家长") for number in (1, 2)]
    assert {text: said[text] for text in expected} == dict.fromkeys(expected, 1)
    heard = Counter(parent.texts() + parent.texts("me"))
    assert {text: heard[text] for text in expected} == dict.fromkeys(expected, 1)
    order = [text for text in lin.texts("agent") if "第" in text]
    assert order == ["坐席第1句", "坐席第2句"]
    lin.handle("办结")
    lin.page.wait_for_url("**said=resolved")


COUNT_TONES = """() => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.tones += 1;
    return start.apply(this, when);
  };
}"""


def test_alerts_on_whichever_page_is_open(open_page: Open, staff: OpenDesk) -> None:
    lin = staff("lin", None)
    second = lin.page.context.new_page()
    second.goto(f"{lin.web}/desk/password")
    lin.page.goto(f"{lin.web}/desk/queue")
    lin.page.wait_for_function("() => document.body.dataset.online === '1'")
    # Another page in front: what is new stands in the title until it is looked at.
    lin.page.evaluate(
        "() => Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
    )
    lin.page.evaluate(COUNT_TONES)
    parent = open_page()
    parent.say("转人工")
    lin.page.wait_for_function("() => document.title.startsWith('(1) 有新消息')")
    assert lin.page.inner_text("[data-badge=queue]") == "1"
    # Two tones of one signal.
    lin.page.wait_for_function("() => window.tones === 2")
    parent.say("取消排队")
    lin.page.wait_for_function("() => document.querySelector('[data-badge=queue]').hidden")
    # Whoever has turned the sound off still sees the title.
    lin.page.click("#sound")
    parent.say("转人工")
    lin.page.wait_for_function("() => document.title.startsWith('(2) 有新消息')")
    assert lin.page.evaluate("() => window.tones") == 2
    parent.say("取消排队")


@pytest.mark.parametrize("size", [(1360, 850), NARROW])
def test_pages_are_for_everybody(
    browser: Browser, bot: RunningBot, screenshots: Path, size: tuple[int, int], open_page: Open
) -> None:
    parent = open_page()
    parent.say("转人工")
    desk = open_desk(browser, bot.web, screenshots, size)
    desk.page.goto(f"{bot.web}/desk")
    found = [("sign-in", Axe().run(desk.page, options=RULES).response["violations"])]
    desk.shoot("0-sign-in")
    desk.sign_in("chen")
    for path in ("queue", "conversations/1", "password"):
        desk.page.goto(f"{bot.web}/desk/{path}")
        found.append((path, Axe().run(desk.page, options=RULES).response["violations"]))
        wide = desk.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= size[0], (path, wide)
        desk.shoot(f"7-{path.replace('/', '-')}")
    desk.page.context.close()
    parent.say("取消排队")
    assert [(path, [one["id"] for one in ids]) for path, ids in found if ids] == []
    assert desk.faults == []


RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
