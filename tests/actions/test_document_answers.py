"""Which file is which paper, as parents write it."""

from __future__ import annotations

import pytest

from actions.document_answers import is_question, read_labels, read_places, wants_deleted
from bot.rules.documents import ID_UNCLEAR

R, F, Q, G = "medical_record", "invoice", "itemised_bill", "guardian_id"


@pytest.mark.parametrize(
    ("text", "count", "kinds"),
    [
        # one file
        ("这是发票", 1, {0: (F,)}),
        ("发票", 1, {0: (F,)}),
        ("是病历哦", 1, {0: (R,)}),
        ("病历和发票都在这张上", 1, {0: (R, F)}),
        ("不是发票，是病历", 1, {0: (R,)}),
        ("不是发票是病历", 1, {0: (R,)}),
        ("这张是费用清单", 1, {0: (Q,)}),
        ("我的身份证", 1, {0: (G,)}),
        ("身份证", 1, {0: (ID_UNCLEAR,)}),
        # several, all the same
        ("都是发票", 3, {0: (F,), 1: (F,), 2: (F,)}),
        ("发票", 3, {0: (F,), 1: (F,), 2: (F,)}),
        ("这三张都是病历", 3, {0: (R,), 1: (R,), 2: (R,)}),
        ("全是化验单", 2, {0: (R,), 1: (R,)}),
        # several, in order
        ("病历和发票", 2, {0: (R,), 1: (F,)}),
        ("病历、发票、清单", 3, {0: (R,), 1: (F,), 2: (Q,)}),
        ("一张是病历一张是发票", 2, {0: (R,), 1: (F,)}),
        ("两张发票，一张病历", 3, {0: (F,), 1: (F,), 2: (R,)}),
        # by place
        ("前两张是发票", 3, {0: (F,), 1: (F,)}),
        ("前两张是发票，第三张是清单", 3, {0: (F,), 1: (F,), 2: (Q,)}),
        ("前2张发票 最后一张病历", 3, {0: (F,), 1: (F,), 2: (R,)}),
        ("第一张是病历，其他都是发票", 4, {0: (R,), 1: (F,), 2: (F,), 3: (F,)}),
        ("第一张病历 剩下的是发票", 3, {0: (R,), 1: (F,), 2: (F,)}),
        ("第一张和第三张是发票，第二张是病历", 3, {0: (F,), 1: (R,), 2: (F,)}),
        ("第1到3张都是病历，第4张是发票", 4, {0: (R,), 1: (R,), 2: (R,), 3: (F,)}),
        ("发票是第一张，病历是第二张", 2, {0: (F,), 1: (R,)}),
        ("第二张是病历和清单", 2, {1: (R, Q)}),
        ("后两张是清单", 3, {1: (Q,), 2: (Q,)}),
        ("第一张发票，病历", 2, {0: (F, R)}),
        ("那张是病历", 2, {1: (R,)}),
    ],
)
def test_labels(text: str, count: int, kinds: dict[int, tuple[str, ...]]) -> None:
    found = read_labels(text, range(count), count)
    assert found is not None
    assert (found.kinds, found.unclear) == (kinds, None)


def test_only_files_that_are_left_are_named() -> None:
    found = read_labels("其他是发票", [1, 3], 4)
    assert found is not None
    assert found.kinds == {1: (F,), 3: (F,)}
    found = read_labels("病历和发票", [1, 3], 4)
    assert found is not None
    assert found.kinds == {1: (R,), 3: (F,)}


@pytest.mark.parametrize(
    ("text", "count", "unclear"),
    [
        ("病历和发票", 3, "which"),
        ("病历、发票、清单", 2, "which"),
        ("第五张是发票", 3, "range"),
        ("三张发票一张病历", 3, "range"),
    ],
)
def test_what_is_unclear_is_asked(text: str, count: int, unclear: str) -> None:
    found = read_labels(text, range(count), count)
    assert found is not None
    assert (found.kinds, found.unclear) == ({}, unclear)


@pytest.mark.parametrize("text", ["", "好的", "等一下", "第一张", "不是发票", "明天再说"])
def test_no_paper_is_no_answer(text: str) -> None:
    assert read_labels(text, [0], 1) is None


@pytest.mark.parametrize("text", ["发票要原件吗", "病历是什么", "要不要清单", "发票丢了怎么办？"])
def test_questions_are_told_apart(text: str) -> None:
    assert is_question(text)


def test_an_identity_card_may_be_anybodys() -> None:
    found = read_labels("身份证和发票", [0, 1], 2)
    assert found is not None
    assert found.whose
    other = read_labels("孩子身份证和发票", [0, 1], 2)
    assert other is not None
    assert not other.whose


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("删掉刚才那张", [2]),
        ("第一张删了", [0]),
        ("前两张不要了", [0, 1]),
        ("刚才的都删掉", [0, 1, 2]),
        ("这张发错了", [2]),
        ("删掉第九张", []),
        ("删掉", []),
    ],
)
def test_files_are_named_by_their_place(text: str, places: list[int]) -> None:
    assert read_places(text, 3) == places


@pytest.mark.parametrize("text", ["删掉刚才那张", "那张发错了", "第二张不要了", "撤回刚才的照片"])
def test_deletions(text: str) -> None:
    assert wants_deleted(text)


@pytest.mark.parametrize("text", ["别删", "先不要删刚才那张", "这是发票"])
def test_no_deletions(text: str) -> None:
    assert not wants_deleted(text)
