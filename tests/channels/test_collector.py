"""What is collected of a turn: a picture is one message with its text and its words."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa.core.actions.action import create_bot_utterance
from rasa.shared.core.events import BotUttered, Event

from bot.channels.collector import Collector, offered_once, saved
from bot.channels.reply import Button, Picture, as_message, render

BUTTON = {"title": "查余额", "payload": "/check_balance"}
SAID = {"text": "在这里", "image": "/pictures/x", "alt": "电子保险卡，正常", "buttons": [BUTTON]}


def collected(message: dict[str, Any]) -> list[dict[str, Any]]:
    collector = Collector()
    asyncio.run(collector.send_response("parent", create_bot_utterance(dict(message)).message()))
    return collector.messages


def test_a_picture_stays_with_its_text_and_words() -> None:
    assert collected(SAID) == [{"recipient_id": "parent", **SAID}]
    assert collected(SAID | {"pin": True})[0]["pin"] is True


def test_without_a_picture_it_is_as_ever() -> None:
    assert collected({"text": "您好"}) == [{"recipient_id": "parent", "text": "您好"}]
    told = collected({"text": "您好", "buttons": [BUTTON]})
    assert told == [{"recipient_id": "parent", "text": "您好", "buttons": [BUTTON]}]


def test_what_was_saved_is_what_was_said() -> None:
    event = create_bot_utterance(dict(SAID))
    again = Event.from_parameters(event.as_dict())
    assert isinstance(again, BotUttered)
    assert saved(again) == SAID
    assert saved(BotUttered("您好", {"buttons": None})) == {"text": "您好"}


def test_the_reply_model_carries_the_words() -> None:
    reply = render({"reply": SAID})
    button = Button("查余额", "/check_balance")
    assert reply == Picture("/pictures/x", "电子保险卡，正常", "在这里", (button,))
    assert as_message(reply) == SAID


def test_an_aside_and_the_question_after_it_offer_a_thing_once() -> None:
    apply = {"title": "申请授权", "payload": "/request_prior_authorization"}
    progress = {"title": "查授权进度", "payload": "/check_prior_authorization"}
    person = {"title": "转人工", "payload": "/talk_to_human"}
    aside = {"text": "由医院协助申请。", "buttons": [apply, progress]}
    question = {"text": "要现在申请吗？", "buttons": [{**apply, "title": "现在申请"}, person]}
    said = offered_once(
        [aside, {"text": "请稍等"}, {"text": "没写", "buttons": [person]}, question]
    )
    assert [message.get("buttons") for message in said] == [
        [progress],
        None,
        None,
        question["buttons"],
    ]
    assert [message["text"] for message in said] == [
        "由医院协助申请。", "请稍等", "没写", "要现在申请吗？"
    ]  # fmt: skip
