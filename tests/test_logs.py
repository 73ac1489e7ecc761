"""Logs: JSON lines without what identifies a family."""

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.logs import JsonFormatter, KnownNames, configure


def formatter(*names: str) -> JsonFormatter:
    known = KnownNames(lambda: names)
    known.refresh()
    return JsonFormatter("test", "key", known)


def line(made: JsonFormatter, message: str, *args: object, **extra: object) -> dict[str, Any]:
    record = logging.getLogger("there").makeRecord(
        "there", logging.INFO, "file", 1, message, args, None, extra=extra
    )
    parsed: dict[str, Any] = json.loads(made.format(record))
    return parsed


def test_a_line_says_when_who_and_what() -> None:
    found = line(formatter(), "took %d ms", 12, port=5005, fields={"event_count": 3})
    assert found["at"].endswith("+00:00")
    assert found == found | {
        "level": "info",
        "process": "test",
        "logger": "there",
        "message": "took 12 ms",
        "port": 5005,
        "event_count": 3,
    }


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("手机号13800000101。", "手机号<phone>。"),
        ("+86 138 0000 0101", "<phone>"),
        ("138-0000-0101 到了", "<phone> 到了"),
        ("身份证31010120190520123X", "身份证<id>"),
        ("卡号6222 0212 3456 7890 123", "卡号<card>"),
        ("写给wang.xm@example.com吧", "写给<email>吧"),
        ("验证码：123456", "验证码：<code>"),
        ("https://api.example/bot123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc/get",
         "https://api.example/bot<token>/get"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer <token>"),
    ],
)  # fmt: skip
def test_what_identifies_is_masked(text: str, masked: str) -> None:
    assert formatter().mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T20:30:00+08:00",
        "端口 5005",
        "CNY 12345.67",
        "YX2026-000101",
        "耗时 1234567 微秒",
    ],
)
def test_what_does_not_identify_stays(text: str) -> None:
    assert formatter("王小满").mask(text) == text


def test_known_names_are_masked_inside_a_sentence() -> None:
    made = formatter("王小满", "李沐宸", "阿不都·买买提")
    assert made.mask("帮王小满和李沐宸约一下") == "帮<name>和<name>约一下"
    assert made.mask("阿不都·买买提的额度") == "<name>的额度"
    assert made.mask("小满今天发烧") == "小满今天发烧"


def test_the_longest_name_wins() -> None:
    assert formatter("王小", "王小满").mask("王小满") == "<name>"


def test_a_conversation_has_the_same_hash_everywhere() -> None:
    made = formatter()
    found = line(made, "conversation ID 'telegram:42' begins", sender_id="telegram:42")
    pseudonym = made.pseudonym("telegram:42")
    assert found["sender_id"] == pseudonym
    assert found["message"] == f"conversation ID '{pseudonym}' begins"
    assert JsonFormatter("test", "another key").pseudonym("telegram:42") != pseudonym


def test_extras_and_tracebacks_are_masked() -> None:
    made = formatter("王小满")
    with pytest.raises(ValueError, match="no policy") as caught:
        int_of("no policy of 王小满, 13800000101")
    record = logging.getLogger("there").makeRecord(
        "there", logging.ERROR, "file", 1, "failed", (), (caught.type, caught.value, caught.tb),
        extra={"slots": {"phone": "13800000101"}},
    )  # fmt: skip
    text = made.format(record)
    assert "13800000101" not in text
    assert "王小满" not in text
    assert "ValueError" in json.loads(text)["error"]


def int_of(message: str) -> int:
    raise ValueError(message)


def test_names_survive_a_store_that_fails() -> None:
    answers: list[list[str]] = [["王小满"]]
    known = KnownNames(lambda: answers.pop())
    known.refresh()
    known.refresh()
    assert known.mask("王小满") == "<name>"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    """The log of a process that is configured as in service; as it was afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure("test", tmp_path / "logs", level="INFO", key="key")
    yield tmp_path / "logs" / "test.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text("utf-8").splitlines()]


def test_everything_goes_to_the_file(lines: Path) -> None:
    logging.getLogger("ours").info("one %s", "13800000101")
    structlog.get_logger("rasas").info("100% done", sender_id="telegram:42", text="找13800000101")
    structlog.get_logger("rasas").debug("not this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("look out", UserWarning, stacklevel=1)
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
    found = read(lines)
    assert [entry["message"] for entry in found[:2]] == ["one <phone>", "100% done"]
    assert found[1]["text"] == "找<phone>"
    assert found[1]["sender_id"] != "telegram:42"
    assert "look out" in found[2]["message"]
    assert len(found) == 3


def test_the_folder_is_private(lines: Path) -> None:
    assert lines.parent.stat().st_mode & 0o077 == 0
