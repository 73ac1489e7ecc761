"""One spelling for all phones, and a way back to the original."""

import pytest

from bot.nlu.normalise import normalise, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ　１２３", "ABC 123"),
        ("我想預約下週三的門診", "我想预约下周三的门诊"),
        ("好着急啊啊啊啊啊！！！", "好着急啊啊!"),
        ("帮我 查 下 额 度", "帮我查下额度"),
        ("孩子发烧了 想约个号", "孩子发烧了,想约个号"),
        ("I want   to book", "I want to book"),
        ("[捂脸]卡灰了👶🏻😭", "卡灰了"),
        ("👌", "好的"),
        ("验证码 111111", "验证码111111"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text).text == expected


@pytest.mark.parametrize("text", ["我想預約😭下週三 的門診", "１３８ ００００", "啊啊啊啊疼", ""])
def test_every_character_leads_back_to_its_source(text: str) -> None:
    normal = normalise(text)
    assert len(normal.offsets) == len(normal.text) + 1
    assert list(normal.offsets) == sorted(normal.offsets)
    assert normal.offsets[-1] == len(text)


def test_a_span_is_found_again_in_the_original() -> None:
    text = "😭😭我想預約下週三"
    normal = normalise(text)
    start = normal.text.index("下周三")
    first, last = normal.original_span(start, start + 3)
    assert text[first:last] == "下週三"


def test_plain_keeps_something_of_signs_alone() -> None:
    assert plain("😭") == "😭"
    assert plain("优享PLUS") == "优享plus"
