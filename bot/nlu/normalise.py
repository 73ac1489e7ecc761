"""What a parent typed, in the one spelling that the rest of the pipeline reads.

Width, Traditional characters, emoji, drawn-out characters and stray spaces vary from phone
to phone and mean nothing. Every change keeps a way back, so that an entity found in the
normalised text is reported at its place in the original one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import opencc

# Only signs that carry a request or a symptom; all others are decoration and are dropped.
EMOJI_WORDS = {
    "🆘": "救命",
    "🚑": "救护车",
    "🩸": "出血",
    "🤒": "发烧",
    "🤮": "呕吐",
    "🤢": "恶心",
    "🤧": "打喷嚏",
    "💉": "打针",
    "💊": "药",
    "🏥": "医院",
    "🦷": "牙",
    "👌": "好的",
    "👍": "好的",
    "🆗": "好的",
    "✅": "好的",
    "❌": "不",
    "👎": "不好",
    "🙏": "谢谢",
    "🌹": "谢谢",
    "👋": "你好",
    "❓": "?",
    "❔": "?",
    "❗": "!",
    "❕": "!",
}
_CJK = re.compile(r"[\u3400-\u9fff]")
# Sticker names as messaging apps paste them, for example [流泪] or [捂脸].
_STICKER = re.compile(r"\[[\u4e00-\u9fff]{1,4}\]")
# Phones are dictated with several of the same in a row.
_SPOKEN_DIGITS = frozenset("零〇一二三四五六七八九幺")
_KEPT_SYMBOLS = frozenset("+-*/=<>%~$^|¥℃°√×#@&")
_PUNCTUATION = {
    "？": "?",
    "！": "!",
    "﹖": "?",
    "…": "。",
    "⋯": "。",
    "～": "~",
    "—": "-",
    "￥": "¥",
}


@dataclass(frozen=True)
class Normalised:
    """A normalised text and where each of its characters came from.

    Attributes:
        text: The normalised text.
        offsets: For each character of ``text`` the index of its source in the original, and
            last the end of the original.
    """

    text: str
    offsets: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that ``text[start:end]`` stands for."""
        if start >= end:
            place = self.offsets[min(start, len(self.offsets) - 1)]
            return place, place
        return self.offsets[start], self.offsets[end - 1] + 1


def normalise(text: str) -> Normalised:
    """Normalise a message for classification and for reading entities.

    Args:
        text: The message as it arrived, in any script and width.

    Returns:
        The normalised text with its way back to the original. Letters keep their case.
    """
    pairs = _narrow(_without_stickers(text))
    pairs = _simplify(pairs)
    pairs = _squeeze(pairs)
    pairs = _space(pairs)
    return Normalised(
        "".join(char for char, _ in pairs), (*(place for _, place in pairs), len(text))
    )


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return the text that features are computed from: normalised and in lower case.

    A message of signs alone would leave nothing; it is returned as it came.
    """
    return normalise(text).text.lower() or text.strip().lower()


def _without_stickers(text: str) -> list[tuple[str, int]]:
    dropped: set[int] = set()
    for match in _STICKER.finditer(text):
        dropped.update(range(*match.span()))
    return [(char, place) for place, char in enumerate(text) if place not in dropped]


def _narrow(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    result: list[tuple[str, int]] = []
    for char, place in pairs:
        word = EMOJI_WORDS.get(char) or _PUNCTUATION.get(char)
        if word is None:
            if _is_decoration(char):
                continue
            word = unicodedata.normalize("NFKC", char)
        result.extend((part, place) for part in word)
    return result


def _is_decoration(char: str) -> bool:
    if char in _KEPT_SYMBOLS or char.isspace():
        return False
    category = unicodedata.category(char)
    # Format characters are joiners and direction marks; Sk holds the skin tones.
    if category in {"Cf", "Cc", "Cs", "Co", "Cn", "Mn", "Me", "Sk"}:
        return True
    # Circled numbers and fractions are So or No but have a plain reading.
    return category == "So" and unicodedata.normalize("NFKC", char) == char


@lru_cache(maxsize=1)
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=1)
def _traditional() -> frozenset[str]:
    """The characters that can be Traditional, so that other texts skip the slow conversion."""
    table = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    lines = table.read_text(encoding="utf-8").splitlines()
    # A character that stands for itself first (着, 乾) still differs within a phrase; one
    # further Traditional character in the text is then enough to convert.
    return frozenset(
        line[0] for line in lines if "\t" in line and line[0] != line.split("\t")[1][0]
    )


def _simplify(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    text = "".join(char for char, _ in pairs)
    if _traditional().isdisjoint(text):
        return pairs
    simplified = _converter().convert(text)
    if len(simplified) != len(text):
        simplified = "".join(_converter().convert(char)[:1] or char for char in text)
    return [(char, place) for char, (_, place) in zip(simplified, pairs, strict=True)]


def _squeeze(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    result: list[tuple[str, int]] = []
    run = 0
    for char, place in pairs:
        run = run + 1 if result and result[-1][0] == char else 1
        if char.isalnum() and not char.isdigit() and char not in _SPOKEN_DIGITS:
            limit = 2
        elif char.isalnum() or char == "*":
            limit = 1_000
        else:
            limit = 1
        if run > limit:
            continue
        result.append((char, place))
    return result


def _space(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Keep one space, and only where it parts two words that Chinese does not part itself."""
    result: list[tuple[str, int]] = []
    waiting: int | None = None
    for char, place in pairs:
        if char.isspace():
            waiting = place if waiting is None else waiting
            continue
        if waiting is not None and result:
            before = result[-1][0]
            if not (_CJK.match(before) or _CJK.match(char)):
                result.append((" ", waiting))
            elif _CJK.match(before) and _CJK.match(char) and _is_pause(result):
                # Spaces often stand for the comma of a longer message.
                result.append((",", waiting))
        waiting = None
        result.append((char, place))
    return result


def _is_pause(result: list[tuple[str, int]]) -> bool:
    """A space after at least four characters of speech is a pause, not a slip of the thumb."""
    spoken = 0
    follower = result[-1][1] + 1
    for char, place in reversed(result):
        if not _CJK.match(char) or place != follower - 1:
            break
        spoken += 1
        follower = place
    return spoken >= 4
