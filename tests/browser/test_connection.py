"""Broken connections, killed servers, closed pages: nothing is lost, nothing is said twice."""

from __future__ import annotations

import time
from collections import Counter

from bot.services import mailbox, web_chat
from tests.browser.conftest import Chat, Open, account_of, down, said_by_bot, store_of
from tests.conftest import RunningBot


def test_killed_between_question_and_answer_it_answers_once(
    open_page: Open, bot: RunningBot
) -> None:
    chat = open_page()
    chat.say("你好")
    before = len(chat.texts())
    with down(bot, "rasa"):
        for number in (1, 2, 3):
            chat.write(f"公立医院门诊理赔要什么材料？第{number}遍")
        chat.page.wait_for_function(
            "() => document.querySelectorAll('.line.me:not(.pending)').length === 4"
        )
        chat.shoot("6-typing")
    chat.page.wait_for_function(
        "n => document.querySelectorAll('.line.bot').length >= n"
        " && document.querySelector('#typing').hidden",
        arg=before + 3,
        timeout=60_000,
    )
    chat.page.wait_for_timeout(1_500)
    answers = Counter(chat.texts()[before:])
    assert set(answers.values()) == {3}
    check_as_stored(bot, chat)


def test_written_while_the_server_is_away_it_arrives_once_in_order(
    open_page: Open, bot: RunningBot
) -> None:
    chat = open_page()
    chat.say("你好")
    written = [f"在吗 {number}" for number in range(4)]
    with down(bot, "web", "rasa"):
        chat.page.wait_for_selector("body:not(.is-online)")
        for text in written:
            chat.write(text)
        assert chat.page.locator(".line.pending").count() == 4
        chat.shoot("7-connecting")
    chat.online()
    chat.page.wait_for_function(
        "() => !document.querySelector('.line.pending')"
        " && document.querySelector('#typing').hidden",
        timeout=60_000,
    )
    assert chat.texts("me") == ["你好", *written]
    check_as_stored(bot, chat)


def test_without_a_network_what_is_written_waits(open_page: Open, bot: RunningBot) -> None:
    chat = open_page()
    chat.say("你好")
    chat.context.set_offline(True)
    chat.page.wait_for_function(
        "() => document.querySelector('#state').textContent.includes('没有网络')"
    )
    chat.write("还剩多少额度")
    chat.page.wait_for_selector(".line.pending")
    # Meanwhile the bot says something by itself.
    said_by_bot(bot, chat, "提醒：明天就诊。")
    chat.shoot("8-offline")
    chat.context.set_offline(False)
    chat.online()
    chat.page.wait_for_function("() => !document.querySelector('.line.pending')")
    chat.page.wait_for_function("() => document.body.innerText.includes('明天就诊')")
    assert chat.texts("me") == ["你好", "还剩多少额度"]
    assert chat.texts().count("提醒：明天就诊。") == 1
    check_as_stored(bot, chat)


def test_what_was_not_sent_outlives_a_reload(open_page: Open, bot: RunningBot) -> None:
    chat = open_page()
    chat.say("你好")
    chat.page.route("**/chat/messages", lambda route: route.abort())
    chat.write("还没发出去")
    chat.page.wait_for_selector(".line.pending")
    chat.page.unroute("**/chat/messages")
    chat.page.reload()
    chat.page.wait_for_function(
        "() => document.querySelectorAll('.line.me:not(.pending)').length === 2"
    )
    assert chat.texts("me") == ["你好", "还没发出去"]
    check_as_stored(bot, chat)


def test_an_answer_whose_receipt_is_lost_is_not_sent_twice(
    open_page: Open, bot: RunningBot
) -> None:
    chat = open_page()
    lost = []

    def lose(route: object) -> None:
        # The server takes it; the page never learns of it.
        if not lost:
            lost.append(route.fetch())  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    chat.page.route("**/chat/messages", lose)
    chat.say("你好")
    chat.say("你是谁")
    assert lost
    assert chat.texts("me") == ["你好", "你是谁"]
    check_as_stored(bot, chat)


def test_where_streams_are_held_back_it_looks_by_itself(open_page: Open) -> None:
    chat = open_page()
    chat.page.route("**/chat/events*", lambda route: route.abort())
    chat.page.reload()
    chat.online()
    assert chat.say("你好")


def check_as_stored(bot: RunningBot, chat: Chat) -> None:
    """See that all is answered, and that the page shows each line of the store once, in order."""
    store, account = store_of(bot), account_of(chat)
    deadline = time.monotonic() + 60
    while web_chat.is_thinking(store, account=account) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not web_chat.is_thinking(store, account=account)
    stored = [line.id for line in mailbox.both(store, channel="web", account=account)]
    store.dispose()
    chat.page.wait_for_selector(f"#lines .line[data-id='{stored[-1]}']")
    ids = "all => all.map((one) => Number(one.dataset.id))"
    assert chat.page.locator("#lines .line").evaluate_all(ids) == stored
