"""Cutting a message into requests, and deciding whether it holds several."""

from typing import Any

import pytest
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.requests import RequestJoiner, RequestSplitter

Reading = tuple[str, float]
BALANCE, STATUS = "check_balance", "check_claim_status"
CHECK, CANCEL, SURE = "check_appointment", "cancel_appointment", 0.99
DOCUMENTS = "ask_claim_documents"


def read(text: str, whole: Reading, *parts: Reading, topics: tuple[str, ...] = ()) -> Message:
    """Return a message as the pipeline would leave it, its parts read as given."""
    splitter, joiner = RequestSplitter(), RequestJoiner()
    messages = splitter.process([Message(data={"text": text, "entities": []})])
    assert len(messages) == 1 + len(parts), [m.get("text") for m in messages]
    for number, (message, (name, sure)) in enumerate(zip(messages, (whole, *parts), strict=True)):
        ranking = [{"name": name, "confidence": sure}]
        message.set("intent", ranking[0])
        message.set("intent_ranking", ranking)
        message.set("danger", sure)
        topic = topics[number] if topics else "utter_faq/a"
        message.set("response_selector", {"faq": {"response": {"utter_action": topic}}})
    return joiner.process(messages)[0]


def further(message: Message) -> list[dict[str, Any]]:
    return [
        request
        for entity in message.get("entities", [])
        if entity["entity"] == "further_requests"
        for request in entity["value"]
    ]


def test_two_sure_requests_are_kept_apart_in_order() -> None:
    message = read(
        "取消周五的预约,顺便问下报销要什么材料",
        ("cancel_appointment", 0.7),
        ("cancel_appointment", 0.95),
        ("ask_claim_documents", 0.9),
    )
    assert message.get("intent")["name"] == "cancel_appointment"
    assert message.get("intent")["confidence"] == 0.95
    (told,) = further(message)
    assert told["text"] == "问下报销要什么材料"
    assert told["intent"] == "ask_claim_documents"
    assert told["begin"] == len("取消周五的预约,")
    assert told["answer"] is None


def test_three_requests() -> None:
    message = read(
        "查下额度，另外看看理赔进度，还有怎么投诉",
        ("check_balance", 0.6),
        ("check_balance", 0.9),
        ("check_claim_status", 0.9),
        ("file_complaint", 0.9),
    )
    assert [one["intent"] for one in further(message)] == ["check_claim_status", "file_complaint"]


def test_a_question_of_the_manual_keeps_its_topic() -> None:
    message = read(
        "查下额度，另外担保函谁开", ("check_balance", 0.6), ("check_balance", 0.9), ("faq", 0.9)
    )
    assert further(message)[0]["answer"] == "utter_faq/a"


@pytest.mark.parametrize(
    ("text", "whole", "first", "second"),
    [
        # Not sure enough.
        ("查额度，理赔到哪步了", BALANCE, (BALANCE, 0.9), (STATUS, 0.7)),
        # One thing seen from two sides.
        ("预约还在吗，想取消预约", CANCEL, (CHECK, SURE), (CANCEL, SURE)),
        # A second thought.
        ("帮我约个号，还是查额度吧", BALANCE, ("book_appointment", SURE), (BALANCE, SURE)),
        # What has happened is told, not asked for.
        ("我已经查了额度，想问理赔进度", STATUS, (BALANCE, SURE), (STATUS, SURE)),
        # "帮我约下" names nothing of its own.
        ("查查额度，帮我弄下", BALANCE, (BALANCE, SURE), ("start_claim", SURE)),
        # The whole is clearly a third thing.
        ("查额度，查理赔", "check_coverage", (BALANCE, SURE), (STATUS, SURE)),
    ],
)  # fmt: skip
def test_what_is_one_request(text: str, whole: str, first: Reading, second: Reading) -> None:
    message = read(text, (whole, 0.9), first, second)
    assert further(message) == []
    assert message.get("intent")["name"] == whole


def test_an_answer_and_a_request() -> None:
    text = "下周三上午，对了理赔要什么材料"
    message = read(text, ("nlu_fallback", 0.3), ("inform", 0.9), (DOCUMENTS, 0.9))
    assert message.get("intent")["name"] == "inform"
    assert [one["intent"] for one in further(message)] == ["ask_claim_documents"]


def test_the_same_question_twice_is_one() -> None:
    text = "担保函谁开，另外担保函找谁开"
    twice = read(text, ("faq", 0.9), ("faq", 0.9), ("faq", 0.9))
    assert further(twice) == []
    two = read(text, ("faq", 0.9), ("faq", 0.9), ("faq", 0.9), topics=("t/a", "t/a", "t/b"))
    assert [one["answer"] for one in further(two)] == ["t/b"]


def test_what_was_announced_and_not_understood_is_kept() -> None:
    text = "帮我约口腔科，顺便问一下那个特需的章程"
    kept = read(text, ("book_appointment", 0.9), ("book_appointment", 0.9), ("nlu_fallback", 0.3))
    assert [one["intent"] for one in further(kept)] == ["nlu_fallback"]


def test_an_emergency_in_one_part_wins() -> None:
    message = read(
        "取消预约，另外孩子喘不上气了快帮帮我",
        ("cancel_appointment", 0.9),
        ("cancel_appointment", 0.9),
        ("report_emergency", 1.0),
    )
    assert message.get("intent") == {"name": "report_emergency", "confidence": 1.0}
    assert further(message) == []


def test_an_emergency_that_the_rest_makes_harmless_stays_whole() -> None:
    message = read(
        "去年孩子抽搐过，另外想问问能不能报销",
        ("check_coverage", 0.9),
        ("report_emergency", 1.0),
        ("check_coverage", 0.9),
    )
    assert message.get("intent")["name"] == "check_coverage"
    assert further(message) == []


def test_thanks_beside_a_request_are_the_request() -> None:
    message = read(
        "谢谢你，再问下额度还剩多少", ("thank", 0.9), ("thank", 0.9), ("check_balance", 0.9)
    )
    assert message.get("intent")["name"] == "check_balance"
    assert further(message) == []
