"""The reply model, as the outbox and the mailbox write it."""

from pathlib import Path

import pytest

from bot.channels.reply import (
    Button,
    ContactRequest,
    Document,
    Item,
    ItemList,
    Mailbox,
    Picture,
    Text,
    Typing,
    as_message,
    render,
    senders,
)
from bot.settings import load_settings


def test_a_notification_is_its_text_filled_in() -> None:
    values = {"child": "王小满", "reference": "C1"}
    reply = render({"text": "notify_claim_unsent", "values": values})
    assert isinstance(reply, Text)
    assert reply.text.startswith("提醒：王小满的理赔 C1")
    assert reply.buttons == (Button("看看理赔", "/check_claim_status"),)


def test_what_an_action_said_keeps_its_buttons_and_pictures() -> None:
    said = {"text": "选一个", "buttons": [{"title": "上午", "payload": "/a"}, {"title": "都行"}]}
    assert render({"reply": said}) == Text("选一个", (Button("上午", "/a"), Button("都行", "都行")))
    assert render({"reply": {"text": "卡", "image": "/c.png"}}) == Picture("/c.png", "卡", "卡")
    assert render({"reply": {"text": "表", "attachment": "/f.pdf"}}) == Document(
        "/f.pdf", "表", "表"
    )


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": "no_such_text"},
        {"text": "notify_claim_unsent", "values": {"child": "王小满"}},
        {"reply": {}},
        {"reply": {"buttons": [{"title": "上午"}]}},
    ],
)
def test_what_says_nothing_is_an_error(payload: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        render(payload)


def test_what_the_mailbox_keeps() -> None:
    assert as_message(Text("好")) == {"text": "好"}
    assert as_message(Text("好", (Button("是", "/affirm"),))) == {
        "text": "好",
        "buttons": [{"title": "是", "payload": "/affirm"}],
    }
    rows = ItemList("医院：", (Item("一院", "徐汇", "/x"), Item("二院")))
    assert as_message(rows) == {
        "text": "医院：\n一院 徐汇\n二院",
        "buttons": [{"title": "一院", "payload": "/x"}],
    }
    picture = as_message(Picture("/c.png", "电子卡"))
    assert picture == {"text": "电子卡", "image": "/c.png", "alt": "电子卡"}
    assert as_message(Document(Path("/f.pdf"), "理赔表.pdf")) == {
        "text": "理赔表.pdf",
        "attachment": "/f.pdf",
        "name": "理赔表.pdf",
    }
    assert as_message(ContactRequest("您的手机号？", "发送手机号")) == {"text": "您的手机号？"}


def test_typing_is_not_kept() -> None:
    with pytest.raises(ValueError, match="Typing"):
        as_message(Typing())


def test_the_terminals_channel_fetches() -> None:
    assert isinstance(senders(load_settings({}))["rest"], Mailbox)
