"""Variants of the training examples as a keyboard, a dictation or a Traditional phone makes them.

Only for training, and the same at every training: a text's variants depend on the text alone, so
their embeddings are found in the cache again. Characters are swapped for others that sound alike
(里赔 for 理赔), which is what input methods and dictation get wrong most.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import jieba
import opencc
from pypinyin import Style, lazy_pinyin

from bot.nlu.ngrams import syllable

_CJK = re.compile(r"[\u4e00-\u9fff]")
# Characters that stand in words said at least this often: nobody's keyboard offers the others.
_COMMON = 400
_MOST_LIKELY = 4
_SHORTEST = 3
# A slip in every so many characters.
_SLIP_EVERY = 12


@lru_cache(maxsize=1)
def homophones() -> dict[str, str]:
    """Return for each syllable the commonest characters that sound like it, commonest first."""
    counts: dict[str, int] = {}
    with (Path(jieba.__file__).parent / "dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, count, _ = line.split(" ")
            for char in word:
                counts[char] = counts.get(char, 0) + int(count)
    found: dict[str, list[str]] = {}
    for char in sorted(counts, key=lambda one: -counts[one]):
        if counts[char] >= _COMMON and _CJK.match(char):
            found.setdefault(lazy_pinyin(char, style=Style.NORMAL)[0], []).append(char)
    return {sound: "".join(chars[:20]) for sound, chars in found.items()}


@lru_cache(maxsize=1)
def _to_traditional() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


def traditional(text: str) -> str:
    """Return a text in Traditional characters."""
    converted: str = _to_traditional().convert(text)
    return converted


def misspelt(text: str, seed: int = 0) -> str | None:
    """Return a text with a few characters swapped for others that sound alike.

    Args:
        text: The text; the result is the same at every call.
        seed: Another number gives another variant.

    Returns:
        The variant; None for a text too short for one, or without Chinese characters.
    """
    choice = random.Random(f"{seed}:{text}")  # noqa: S311
    places = [place for place, char in enumerate(text) if _CJK.match(char)]
    if len(places) < _SHORTEST:
        return None
    chars = list(text)
    for place in choice.sample(places, 1 + len(places) // _SLIP_EVERY):
        sound = lazy_pinyin(chars[place], style=Style.NORMAL)[0]
        others = homophones().get(sound, "").replace(chars[place], "")
        if not others:
            others = homophones().get(syllable(chars[place]), "").replace(chars[place], "")
        if others:
            chars[place] = choice.choice(others[:_MOST_LIKELY])
    variant = "".join(chars)
    return variant if variant != text else None


def variants(texts: Sequence[str], share: float, seed: int = 0) -> list[tuple[int, str]]:
    """Return misspelt variants of a share of the texts, each with its text's place.

    Args:
        texts: Plain texts (see :func:`bot.nlu.normalise.plain`).
        share: How many of the texts get a variant, from 0 to 1.
        seed: Another number gives other variants.
    """
    made: list[tuple[int, str]] = []
    for place, text in enumerate(texts):
        if random.Random(f"{seed}/{text}").random() < share:  # noqa: S311
            variant = misspelt(text, seed)
            if variant is not None:
                made.append((place, variant))
    return made
