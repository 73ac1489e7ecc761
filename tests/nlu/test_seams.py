"""Cutting a message where it may hold a further request."""

import pytest

from bot.nlu.seams import pieces, without_lead


def cut(text: str) -> list[str]:
    return [text[piece.start : piece.end] for piece in pieces(text)]


def test_a_request_is_announced_by_words() -> None:
    assert cut("取消周五的预约,顺便问下报销要什么材料") == [
        "取消周五的预约,",
        "顺便问下报销要什么材料",
    ]
    assert cut("查下额度然后再帮我约个号") == ["查下额度", "然后再帮我约个号"]
    assert cut("1、查额度 2、取消周五的预约") == ["1、查额度 ", "2、取消周五的预约"]


@pytest.mark.parametrize(
    "text",
    [
        "住院额度还有吗",
        "回头再约吧",
        "还需要再交一次吗",
        "账单填对了还是不行",
        "/inform",
        "孩子发烧三天，帮我约个号",
    ],
)
def test_plain_adverbs_announce_nothing(text: str) -> None:
    assert cut(text) == [text]


def test_a_long_story_is_cut_only_at_words() -> None:
    story = (
        "昨天半夜孩子发烧到三十九度，我们去了医院，排队排了两小时，医生开了药，"
        "回家吃了两天药总算退了，今天想问能不能报，"
    )
    assert len(cut(story + "发票都在。")) == 1
    assert len(cut(story + "顺便问下额度")) == 2


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("顺便再帮我查额度", "帮我查额度"),
        ("另外，怎么绑卡", "怎么绑卡"),
        ("还有", "还有"),
        ("2、查额度", "查额度"),
    ],
)
def test_what_opens_a_request_is_left_out(said: str, rest: str) -> None:
    assert without_lead(said) == rest
