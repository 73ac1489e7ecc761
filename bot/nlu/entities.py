"""Rasa entity extractor: dates, amounts, phones, codes, kinds of claim, plans, treatments.

Hospitals, departments and children are matched where their names are stored.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    EXTRACTOR,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from bot.nlu import lexicon
from bot.nlu.amounts import find_amounts
from bot.nlu.normalise import Normalised, normalise

TZ = ZoneInfo("Asia/Shanghai")
Clock = Callable[[], datetime]


def _system_clock() -> datetime:
    frozen = os.environ.get("BOT_NOW")
    if frozen:
        return datetime.fromisoformat(frozen).astimezone(TZ)
    return datetime.now(TZ)


_clock: Clock = _system_clock


def set_clock(clock: Clock | None) -> None:
    """Set what tells the time to relative dates.

    Args:
        clock: Returns an aware datetime; None goes back to ``BOT_NOW``, else the system's time.
    """
    global _clock
    _clock = clock or _system_clock


@dataclass(frozen=True)
class Found:
    """An entity, placed in the original text."""

    entity: str
    value: Any
    start: int
    end: int


_SIX = re.compile(r"(?<!\d)\d(?:[ -]?\d){5}(?!\d)")
_CODE_WORD = re.compile(r"(?:验证码|校验码|动态码|口令|code)[^\d]{0,6}$", re.I)
_CODE_ALONE = re.compile(
    r"(?:是|我的|这个|收到了?|码|:|,|\s)*(\d(?:[ -]?\d){5})(?:[,。!?~ ]|吧|啊|呀|哦|这个|对吗|对吧|喏)*"
)
_PHONE = re.compile(r"(?<!\d)(?:\+?0{0,2}86[ -]?)?(1[3-9]\d(?:[ .,-]?\d){8})(?!\d)")
_SPOKEN_DIGITS = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {
    "幺": "1",
    "〇": "0",
    "两": "2",
}
_SPOKEN_PHONE = re.compile(
    r"(?<![零〇一二三四五六七八九幺])[一幺][三-九三四五六七八九](?:[ ,]?[零〇一二两三四五六七八九幺]){9}(?![零〇一二三四五六七八九幺])"
)
# Lectures are few: their numbers may be shorter.
_REFERENCE = re.compile(
    r"(?<![A-Za-z0-9])(?:([ACPRST])[- ]?(\d{4,6})|(L)[- ]?(\d{3,6}))(?!\d)", re.IGNORECASE
)


def extract(text: str, now: datetime) -> list[Found]:
    """Return all entities of a message.

    Args:
        text: The message as it arrived.
        now: Aware; what relative dates are counted from.

    Returns:
        The entities in the order of kinds, then of the text.
    """
    normal = normalise(text)
    phones = list(_phones(normal))
    found = [*_dates(text, now), *phones, *_codes(normal)]
    found += [*_references(normal), *_amounts(normal, found)]
    found += [*_claim_kinds(normal), *_plans(normal), *_treatments(normal)]
    return found


def _dates(text: str, now: datetime) -> Iterator[Found]:
    # Loaded with the first message and not before: dateparser takes a second to import.
    from bot.nlu.dates import resolve_all

    past = {one.span: one for one in resolve_all(text, now, prefer="past")}
    for one in resolve_all(text, now, prefer="future"):
        gone = past.get(one.span)
        yield Found(
            "date",
            {
                "date": one.date.isoformat() if one.date else None,
                "past": gone.date.isoformat() if gone and gone.date else None,
                "time": f"{one.time:%H:%M}" if one.time else None,
                "part": one.part,
                "flags": sorted(str(flag) for flag in one.flags),
            },
            *one.span,
        )


def _phones(normal: Normalised) -> Iterator[Found]:
    for match in _PHONE.finditer(normal.text):
        digits = re.sub(r"\D", "", match.group(1))
        yield Found("phone", digits, *normal.original_span(*match.span(1)))
    for match in _SPOKEN_PHONE.finditer(normal.text):
        digits = "".join(_SPOKEN_DIGITS.get(char, "") for char in match.group())
        if re.fullmatch(r"1[3-9]\d{9}", digits):
            yield Found("phone", digits, *normal.original_span(*match.span()))


def _codes(normal: Normalised) -> Iterator[Found]:
    alone = _CODE_ALONE.fullmatch(normal.text)
    if alone:
        digits = re.sub(r"\D", "", alone.group(1))
        yield Found("code", digits, *normal.original_span(*alone.span(1)))
        return
    for match in _SIX.finditer(normal.text):
        if _CODE_WORD.search(normal.text[: match.start()]):
            digits = re.sub(r"\D", "", match.group())
            yield Found("code", digits, *normal.original_span(*match.span()))
            return


def _references(normal: Normalised) -> Iterator[Found]:
    for match in _REFERENCE.finditer(normal.text):
        letter, digits = match.group(1, 2) if match.group(1) else match.group(3, 4)
        number = f"{letter.upper()}{digits}"
        yield Found("reference", number, *normal.original_span(*match.span()))


def _amounts(normal: Normalised, taken: list[Found]) -> Iterator[Found]:
    for amount in find_amounts(normal.text):
        start, end = normal.original_span(amount.start, amount.end)
        if not any(start < other.end and other.start < end for other in taken):
            yield Found("amount", str(amount.value), start, end)


def _claim_kinds(normal: Normalised) -> Iterator[Found]:
    for kind, words in lexicon.CLAIM_KINDS:
        for match in words.finditer(normal.text):
            if not lexicon.NEGATION.search(normal.text[: match.start()]):
                yield Found("claim_kind", kind, *normal.original_span(*match.span()))
                break


def _plans(normal: Normalised) -> Iterator[Found]:
    for name, start, end in lexicon.find_plans(normal.text):
        yield Found("plan", name, *normal.original_span(start, end))


def _treatments(normal: Normalised) -> Iterator[Found]:
    seen: set[str] = set()
    for match in lexicon.TREATMENT.finditer(normal.text):
        name = lexicon.treatment_name(match)
        if name not in seen:
            seen.add(name)
            yield Found("treatment", name, *normal.original_span(*match.span()))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class ServiceEntityExtractor(GraphComponent, EntityExtractorMixin):  # type: ignore[misc]
    """Adds the entities of :func:`extract` to each message."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ServiceEntityExtractor:
        """Create the component and load the date reader (see the parent class)."""
        _warm()
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Add entities to the messages that have a text."""
        for message in messages:
            text = message.get(TEXT)
            if not text:
                continue
            found = [
                {
                    ENTITY_ATTRIBUTE_TYPE: one.entity,
                    ENTITY_ATTRIBUTE_VALUE: one.value,
                    ENTITY_ATTRIBUTE_START: one.start,
                    ENTITY_ATTRIBUTE_END: one.end,
                    EXTRACTOR: self.name,
                }
                for one in extract(text, _clock())
            ]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages


@lru_cache(maxsize=1)
def _warm() -> None:
    extract("明天下午三点 2026-12-01", _clock())
