"""What parents mean when they write of an authorization."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from actions import authorization_answers as answers
from actions.turn import Turn
from bot.services.authorizations import AuthorizationView
from bot.settings import ROOT


def turn(text: str, **entities: Any) -> Turn:
    """Make what these readers look at: a text and its entities."""
    return cast(
        Turn,
        SimpleNamespace(
            text=text,
            entity=entities.get,
            entities=lambda name: [],
            intent="inform",
            child_named=lambda: None,
        ),
    )


def examples(intent: str) -> list[str]:
    loaded = yaml.safe_load((ROOT / "data/nlu/authorizations.yml").read_text("utf-8"))
    (found,) = (e["examples"] for e in loaded["nlu"] if e["intent"] == intent)
    return [line.removeprefix("- ").strip() for line in found.splitlines()]


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("撤回授权申请", "withdraw"),
        ("P10001撤回", "withdraw"),
        ("取消那个核磁的授权申请", "withdraw"),
        ("手术不做了，授权撤了吧", "withdraw"),
        ("授权改到下周五", "move"),
        ("P10001改期", "move"),
        ("授权的治疗日期要改一下", "move"),
        ("手术改到12月9号了，授权也改一下", "move"),
        ("取消预约", None),
        ("要不要授权", None),
        ("不要授权行不行", None),
        ("不要那个授权了", "withdraw"),
        ("我的申请被取消了吗", None),
        ("我的授权撤销了没", None),
        ("原定周一的检查改到周三了，这种要授权吗", None),
    ],
)
def test_what_is_to_be_changed(text: str, change: str | None) -> None:
    assert answers.change_wanted(turn(text)) == change


def test_a_button_says_what_is_to_be_changed() -> None:
    assert answers.change_wanted(turn("", auth_change="move")) == "move"
    assert answers.change_wanted(turn("", auth_change="everything")) is None


@pytest.mark.parametrize(
    "text", [*examples("ask_prior_authorization_rules"), *examples("check_prior_authorization")]
)
def test_no_question_changes_anything(text: str) -> None:
    assert answers.change_wanted(turn(text)) is None


@pytest.mark.parametrize("text", examples("request_prior_authorization"))
def test_no_request_is_taken_for_a_question(text: str) -> None:
    assert not answers.asks_rule(turn(text))


@pytest.mark.parametrize(
    "text",
    ["雾化器要不要授权", "市一医院住院要不要授权", "周五做手术最晚哪天交", "化疗要授权吗"],
)
def test_whether_it_is_needed_is_a_question(text: str) -> None:
    assert answers.asks_rule(turn(text))
    assert not answers.asks_rule(turn(f"帮我问问{text}"))


@pytest.mark.parametrize(
    ("before", "text", "follows"),
    [
        (["action_ask_prior_authorization_rules"], "6000块的检查", True),
        (["action_ask_prior_authorization_rules"], "化疗呢", True),
        (["action_ask_prior_authorization_rules"], "哦哦", False),
        (["action_check_balance"], "6000块的检查", False),
    ],
)
def test_a_short_question_goes_on_with_the_rules(
    before: list[str], text: str, follows: bool
) -> None:
    said = turn(text)
    ran = [{"event": "action", "name": name} for name in [*before, "action_listen"]]
    events = [{"event": "user"}, *ran, {"event": "user"}]
    cast(Any, said).tracker = SimpleNamespace(events=events)
    assert answers.follows_rules(said) is follows
    cast(Any, said).tracker = SimpleNamespace(events=[*events, *ran[1:], {"event": "user"}])
    assert not answers.follows_rules(said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12月8号在复旦儿科做腺样体手术要住院", "腺样体手术、住院"),
        ("疝气手术，就是那个手术", "疝气手术"),
        ("要住院", "住院"),
        ("做手术", "手术"),
        ("申请授权", None),
        ("買霧化機", "雾化机"),
    ],
)
def test_the_words_for_a_treatment(text: str, words: str | None) -> None:
    assert answers.treatment_words(turn(text)) == words


@pytest.mark.parametrize(
    ("text", "asked", "amount"),
    [
        ("六千到八千", True, "8000"),
        ("大概八千", True, "8000"),
        ("5200", True, "5200"),
        ("不是五千块，是六千块", True, "6000"),
        ("1.2万", True, "12000"),
        ("0", True, "0"),
        ("-5元", True, "0"),
        ("2300", False, None),
        ("三楼的医生", True, None),
        ("新华医院", True, None),
    ],
)
def test_what_it_will_cost(text: str, asked: bool, amount: str | None) -> None:
    expected = None if amount is None else Decimal(amount)
    assert answers.amount_in(turn(text), asked=asked) == expected


@pytest.mark.parametrize(
    ("word", "treatment", "same"),
    [
        ("割腺样体", "腺样体切除手术", True),
        ("核磁共振", "核磁共振检查", True),
        ("手术", "腺样体切除手术", True),
        ("手术", "核磁共振检查", False),
        ("疝气手术", "腺样体切除手术", False),
    ],
)
def test_words_for_the_same_treatment(word: str, treatment: str, same: bool) -> None:
    assert answers._same_treatment(word, treatment) is same


def test_an_authorization_is_known_by_the_core_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(reference: str, treatment: str) -> AuthorizationView:
        return cast(
            AuthorizationView,
            SimpleNamespace(
                reference=reference, treatment=treatment, hospital=None, treatment_on=None
            ),
        )

    known = [seen("P1", "腺样体切除手术"), seen("P2", "核磁共振检查")]
    monkeypatch.setattr(answers.directory, "hospitals", lambda store: [])
    said = turn("腺样体的授权改到12月7号")
    cast(Any, said).store = None
    cast(Any, said).day = lambda: None
    assert [a.reference for a in answers.mentioned(said, known)] == ["P1"]
    said = turn("", reference="p2")
    assert [a.reference for a in answers.mentioned(said, known)] == ["P2"]
