"""What Telegram is sent, and what its answers mean."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from telegram import ReplyKeyboardMarkup, ReplyKeyboardRemove, error

from bot.channels.reply import (
    Blocked,
    Button,
    ContactRequest,
    Document,
    Failed,
    Item,
    ItemList,
    Picture,
    RetryAfter,
    Sent,
    Text,
    Typing,
    Unknown,
)
from bot.channels.telegram_sender import LONGEST_TEXT, TelegramSender, keyboard, split

KEY = "outbox:12"


class Bot:
    """Takes messages, or fails as told."""

    def __init__(self, *failures: Exception | None) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self._failures = list(failures)

    async def initialize(self) -> None:
        return

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            failure = self._failures.pop(0) if self._failures else None
            if failure is not None:
                raise failure
            self.sent.append((name, {**kwargs, **({"args": args} if args else {})}))
            return SimpleNamespace(chat=SimpleNamespace(id=7), message_id=3)

        return call


async def send(bot: Bot, reply: Any) -> Any:
    return await TelegramSender(bot).send("7", reply, key=KEY)  # type: ignore[arg-type]


def test_a_long_text_is_cut_at_sentences() -> None:
    sentence = "这是一句话，用来凑够长度，看看会不会在中间断开。"
    parts = split(sentence * 300)
    assert all(len(part) <= LONGEST_TEXT for part in parts)
    assert all(part.endswith("。") for part in parts)
    assert "".join(parts) == sentence * 300


def test_an_endless_word_is_cut_too_and_signs_of_two_units_are_counted() -> None:
    parts = split("😀" * 5000)
    assert all(len(part.encode("utf-16-le")) // 2 <= LONGEST_TEXT for part in parts)
    assert "".join(parts) == "😀" * 5000


def test_a_buttons_data_never_exceeds_the_limit() -> None:
    buttons = [Button("很长的按钮" * 20, "/inform" + "x" * 500), Button("确认", "/affirm")]
    shown = keyboard(buttons, 10**15)
    assert shown is not None
    for row in shown.inline_keyboard:
        for button in row:
            assert len(str(button.callback_data).encode()) <= 64


def test_short_buttons_stand_side_by_side() -> None:
    shown = keyboard([Button("确认", "/affirm"), Button("不要", "/deny"), Button("算", "/s")], 1)
    assert shown is not None
    assert [len(row) for row in shown.inline_keyboard] == [2, 1]


async def test_text_is_sent_as_it_is_without_a_parse_mode() -> None:
    bot = Bot()
    outcome = await send(bot, Text("<b>1 < 2</b> & *x*", (Button("确认", "/affirm"),)))
    assert outcome == Sent()
    ((name, sent),) = bot.sent
    assert (name, sent["text"]) == ("send_message", "<b>1 < 2</b> & *x*")
    assert "parse_mode" not in sent
    assert sent["reply_markup"].inline_keyboard[0][0].callback_data == "b:12:0"


async def test_the_contact_button_comes_and_goes() -> None:
    bot = Bot()
    sender = TelegramSender(bot)  # type: ignore[arg-type]
    await sender.send("7", ContactRequest("手机号是？", "发送我的手机号"), key=KEY)
    await sender.send("7", Text("验证码发了"), key=KEY)
    await sender.send("7", Text("绑好了"), key=KEY)
    first, second, third = (sent["reply_markup"] for _, sent in bot.sent)
    assert isinstance(first, ReplyKeyboardMarkup)
    assert first.keyboard[0][0].request_contact
    assert isinstance(second, ReplyKeyboardRemove)
    assert third is None


async def test_lists_pictures_documents_typing(tmp_path: Path) -> None:
    file = tmp_path / "card.png"
    file.write_bytes(b"png")
    bot = Bot()
    await send(bot, ItemList("医院：", (Item("新华", "浦东", "/find"),)))
    await send(bot, Picture(file, "电子卡：王小满", pin=True))
    await send(bot, Document(file, "理赔表.pdf"))
    await send(bot, Typing())
    names = [name for name, _ in bot.sent]
    assert names == [
        "send_message",
        "send_photo",
        "pin_chat_message",
        "send_document",
        "send_chat_action",
    ]
    assert bot.sent[1][1]["caption"] == "电子卡：王小满"


def caused(problem: error.TelegramError, cause: Exception) -> error.TelegramError:
    problem.__cause__ = cause
    return problem


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (error.RetryAfter(30), RetryAfter(timedelta(seconds=30))),
        (error.Forbidden("bot was blocked by the user"), Blocked()),
        (error.BadRequest("chat not found"), Failed(permanent=True)),
        (caused(error.TimedOut(), httpx.ReadTimeout("")), Unknown()),
        (caused(error.TimedOut(), httpx.PoolTimeout("")), Failed()),
        (caused(error.NetworkError("x"), httpx.ConnectError("")), Failed()),
        (caused(error.NetworkError("x"), httpx.RemoteProtocolError("")), Unknown()),
        (error.InvalidToken(), RetryAfter(timedelta(minutes=5))),
    ],
)
async def test_what_a_failure_means(failure: Exception, outcome: Any) -> None:
    assert await send(Bot(failure), Text("好")) == outcome


async def test_what_has_begun_is_not_begun_again() -> None:
    long = "一句话。" * 2000
    assert await send(Bot(None, error.RetryAfter(30)), Text(long)) == Unknown()
    assert await send(Bot(None, error.Forbidden("blocked")), Text(long)) == Blocked()


async def test_a_short_pause_is_kept_within_the_message() -> None:
    bot = Bot(error.RetryAfter(0))
    assert await send(bot, Text("好")) == Sent()
    assert len(bot.sent) == 1
