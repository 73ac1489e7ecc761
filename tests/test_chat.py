"""The chat in the terminal, against a server that is not there."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from bot import chat
from bot.chat import Button, Conversation, buttons_of, show
from bot.errors import OperatorError
from bot.settings import load_settings

ANSWERS: list[dict[str, Any]] = [
    {"recipient_id": "me", "text": "要办哪件事？"},
    {
        "recipient_id": "me",
        "text": "请选：",
        "buttons": [
            {"title": "查额度", "payload": "/check_balance"},
            {"title": "约就诊", "payload": "/book_appointment"},
        ],
    },
    {"recipient_id": "me", "text": "或者", "buttons": [{"title": "[人工]"}]},
]


class Bot:
    """Answers like the REST channel and remembers what it was told."""

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self.heard: list[dict[str, str]] = []
        self.answers = answers
        self.news: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.heard.append(json.loads(request.content))
        elif request.url.path.endswith("/messages"):
            after = int(request.url.params["after"])
            return httpx.Response(200, json=[n for n in self.news if n["id"] > after])
        return httpx.Response(200, json=self.answers)


@pytest.fixture
def bot() -> Bot:
    return Bot(ANSWERS)


@pytest.fixture
def conversation(bot: Bot) -> Iterator[Conversation]:
    with httpx.Client(base_url="http://bot", transport=httpx.MockTransport(bot)) as client:
        yield Conversation(client, "me")


def test_a_number_takes_the_button(conversation: Conversation, bot: Bot) -> None:
    for text in ("你好", "2", "3"):
        conversation.say(text)
    assert [said["message"] for said in bot.heard] == ["你好", "/book_appointment", "[人工]"]
    assert {said["sender"] for said in bot.heard} == {"me"}


@pytest.mark.parametrize("text", ["0", "4", "128.50", "二", "²"])
def test_what_is_no_button_is_said_as_it_is(
    conversation: Conversation, bot: Bot, text: str
) -> None:
    conversation.say("你好")
    conversation.say(text)
    assert bot.heard[-1]["message"] == text


def test_a_number_is_a_number_where_there_are_no_buttons(
    conversation: Conversation, bot: Bot
) -> None:
    conversation.say("你好")
    bot.answers = [{"text": "验证码？"}]
    conversation.say("你好")
    conversation.say("1")
    assert bot.heard[-1]["message"] == "1"


NEWS = [
    {"id": 7, "at": "2026-11-23T10:00:00+08:00", "text": "预约确认了"},
    {
        "id": 9,
        "at": "2026-11-23T10:00:01+08:00",
        "text": "还没付",
        "buttons": [{"title": "去付款", "payload": "/pay_self_pay"}],
    },
]


def test_what_the_bot_says_by_itself_is_told_once(conversation: Conversation, bot: Bot) -> None:
    bot.news = NEWS
    assert conversation.news() == NEWS
    assert conversation.news() == []
    conversation.say("1")
    assert bot.heard[-1]["message"] == "/pay_self_pay"


def test_a_bot_that_cannot_be_asked_for_news_is_silent() -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    with httpx.Client(base_url="http://bot", transport=httpx.MockTransport(fail)) as client:
        assert Conversation(client, "me").news() == []


def test_buttons_are_numbered_through_and_shown_as_they_are() -> None:
    out = io.StringIO()
    show(ANSWERS, Console(file=out, width=60))
    for expected in ("要办哪件事？", "1 查额度", "2 约就诊", "3 [人工]"):
        assert expected in out.getvalue()


def test_a_button_without_payload_says_its_title() -> None:
    assert buttons_of(ANSWERS)[-1] == Button("[人工]", "[人工]")


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(500),
        httpx.Response(200, text="not json"),
    ],
)
def test_every_failure_is_one_sentence(failure: httpx.Response | Exception) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        if isinstance(failure, Exception):
            raise failure
        return failure

    with (
        httpx.Client(base_url="http://bot", transport=httpx.MockTransport(fail)) as client,
        pytest.raises(OperatorError) as caught,
    ):
        Conversation(client, "me").say("你好")
    assert "\n" not in str(caught.value)


def test_a_bot_that_is_not_running_is_said_how_to_start() -> None:
    settings = load_settings({"BOT_RASA_PORT": "1"})
    with pytest.raises(OperatorError, match="uv run bot up"):
        chat.run(settings, "me", Console(file=io.StringIO()), lambda: "你好")


def test_there_is_no_chat_in_production() -> None:
    settings = load_settings(
        {
            "BOT_ENV": "production",
            "BOT_SMS_URL": "https://sms.example",
            "BOT_CODE_SECRET": "own",
            "BOT_FILES_KEY": "a secret of our own for all the files",
            "BOT_PUBLIC_URL": "https://bot.example",
        }
    )
    with pytest.raises(OperatorError, match="production"):
        chat.run(settings, "me", Console(file=io.StringIO()), lambda: "你好")


@pytest.mark.parametrize("last", ["/quit", None])
def test_a_chat_goes_on_until_it_is_ended(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, last: str | None
) -> None:
    real = httpx.Client

    def client(**options: Any) -> httpx.Client:
        return real(**options | {"transport": httpx.MockTransport(bot)})

    monkeypatch.setattr(chat.httpx, "Client", client)
    monkeypatch.setattr(chat, "POLL_S", 0.01)
    out = io.StringIO()
    bot.news = NEWS[:1]
    typed = iter(["你好", "  ", "1", *([last] if last else [])])

    def read() -> str:
        if len(bot.heard) == 2 and len(bot.news) == 1:
            bot.news = NEWS
            deadline = time.monotonic() + 10
            while "还没付" not in out.getvalue():
                assert time.monotonic() < deadline
                time.sleep(0.01)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    chat.run(load_settings({}), "me", Console(file=out, width=60), read)
    assert [said["message"] for said in bot.heard] == ["你好", "/check_balance"]
    assert "查额度" in out.getvalue()


def test_files_are_sent_as_they_are(tmp_path: Path) -> None:
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        heard.append(request)
        return httpx.Response(200, json=ANSWERS)

    photo = tmp_path / "发票 1.jpg"
    photo.write_bytes(b"\xff\xd8\xff picture")
    out = io.StringIO()
    with httpx.Client(base_url="http://bot", transport=httpx.MockTransport(answer)) as client:
        talk = Conversation(client, "me")
        chat._upload(talk, f' "{photo}"', Console(file=out, width=60))
        chat._upload(talk, f" {tmp_path / 'absent.jpg'}", Console(file=out, width=60))
        chat._upload(talk, "", Console(file=out, width=60))
        chat._upload(talk, ' "unclosed', Console(file=out, width=60))
        assert talk._chosen("1") == "/check_balance"
    (request,) = heard
    assert request.url.path == chat.UPLOAD_PATH
    assert b"\xff\xd8\xff picture" in request.content
    assert request.content.index(b'name="sender"') < request.content.index(b"picture")
    assert "要办哪件事" in out.getvalue()
    assert "用法" in out.getvalue()
    assert out.getvalue().count("读不了这个文件") == 2
