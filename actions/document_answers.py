"""Reading which file is which paper in what parents write about the files they sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from actions.turn import Turn
from bot.rules.documents import ID_UNCLEAR, papers_named

NUMBERS = {char: value for value, char in enumerate("一二三四五六七八九十", start=1)} | {"两": 2}
_N = r"([一二两三四五六七八九十]|\d{1,2})"
_FILE = r"(?:张|份|个|页|幅)(?:照片|图片?|文件|的)?"
# What names files by their place among those sent. In this order: the first hides the others.
PLACES = (
    ("range", re.compile(rf"第?{_N}{_FILE}?(?:到|至|[-~—])第?{_N}{_FILE}")),
    ("nth", re.compile(rf"第{_N}{_FILE}")),
    ("first", re.compile(rf"(?:前面?|开头)(?:这|那|的)?{_N}{_FILE}")),
    ("last", re.compile(rf"(?:后面?|最后面?|末尾)(?:这|那|的)?{_N}{_FILE}")),
    ("last_one", re.compile(rf"最后(?:一{_FILE}|面?那{_FILE}|的那{_FILE})|(?<!这)那{_FILE}")),
    ("rest", re.compile(rf"其他的?|其余的?|剩下的?|后面的?|余下的?|别的|另外(?:的|{_N}{_FILE})?")),
    ("all", re.compile(rf"全部?|都|这些|这几{_FILE}|(?:这|刚才的?|刚刚的?|上面的?){_N}?{_FILE}")),
    ("count", re.compile(rf"{_N}{_FILE}")),
)
NEGATED = re.compile(r"(?:不是|并非|不对)[^,，。;；\s]*?(?=[,，。;；\s]|是|$)")
QUESTION = re.compile(r"[?？]|吗|怎么|什么|啥|哪|多少|要不要|需不需要|能不能|可不可以|行不行")
DELETE = re.compile(r"删|撤[掉回了]|去掉|拿掉|移除|不要了|作废|[发传拍]错")
KEEP = re.compile(r"(?:不|别|先别|不用|不要|不想)(?:再)?(?:删|撤|去掉|拿掉|移除)")
FILE_WORD = re.compile(rf"{_FILE}|照片|图片|文件|刚才|刚刚|上一|之前(?:发|传)的?")
CHANGED = re.compile(r"不对|不是|错|弄混|搞反|搞混|写反|改成|应该是|其实是|改为")
LONGEST_CHANGE = 40


@dataclass(frozen=True)
class Labels:
    """Which file, by its place from 0 among those sent, shows which kinds of papers.

    ``unclear`` is ``which`` where several kinds are named for several files without saying
    which is which, ``range`` where a place is named that no file has, else ``None``.
    """

    kinds: dict[int, tuple[str, ...]]
    unclear: str | None = None

    @property
    def whose(self) -> bool:
        """Whether an identity card is named and it is not said whose."""
        return any(ID_UNCLEAR in kinds for kinds in self.kinds.values())


@dataclass(frozen=True)
class _Token:
    kind: str
    value: tuple[int, ...]
    paper: str
    start: int


def plain(text: str) -> str:
    """Return a text as it is read here: full-width signs made narrow."""
    return unicodedata.normalize("NFKC", text)


def is_question(text: str) -> bool:
    """Tell whether a message asks something rather than naming papers."""
    return QUESTION.search(text) is not None


def read_labels(text: str, left: Sequence[int], count: int) -> Labels | None:
    """Read what files are; ``None`` if no paper is named.

    Args:
        text: What the parent wrote.
        left: The places (from 0) of the files that are asked about, in order.
        count: How many were sent together.
    """
    text = plain(text)
    meant = NEGATED.sub(lambda found: " " * len(found.group()), text)
    if not papers_named(meant):
        return None
    tokens = _tokens(meant)
    papers = [token.paper for token in tokens if token.paper]
    if all(token.paper for token in tokens):
        return _without_places(papers, left)
    if tokens[0].paper and not tokens[-1].paper:
        tokens = _turned(tokens)
    return _by_place(tokens, left, count)


def read_places(text: str, count: int) -> list[int]:
    """Return the places (from 0) of the files that a message names; empty if it names none."""
    found: list[int] = []
    for token in _tokens(plain(text)):
        if token.paper:
            continue
        # "刚才那张" and "这张" name the last one, unless there is a number.
        places = _placed(token, [], count)
        if token.kind == "all" and not token.value:
            places = list(range(count)) if re.search("全|都|些|几", text) else [count - 1]
        found += [place for place in places or () if 0 <= place < count and place not in found]
    return found


def wants_deleted(text: str) -> bool:
    """Tell whether a message asks to delete a file that was sent."""
    return DELETE.search(text) is not None and KEEP.search(text) is None


def changes_files(turn: Turn) -> bool:
    """Tell whether a message is about the files sent last: another name for one, or away with it.

    Only these words and the files remembered make it so, whatever its intent looks like.
    """
    text = turn.text
    if not text or not turn.slot("file_last") or len(text) > LONGEST_CHANGE:
        return False
    named, file = bool(papers_named(plain(text))), FILE_WORD.search(text) is not None
    if DELETE.search(text) or KEEP.search(text):
        return file or named
    if is_question(text) or not named:
        return False
    return CHANGED.search(text) is not None or read_places(text, 30) != []


def _tokens(text: str) -> list[_Token]:
    named = papers_named(text)
    tokens = [_Token("paper", (), paper.kind, paper.start) for paper in named]
    rest = list(text)
    for paper in named:
        rest[paper.start : paper.end] = "\0" * (paper.end - paper.start)
    seen = "".join(rest)
    for kind, words in PLACES:
        for found in words.finditer(seen):
            value = tuple(_number(one) for one in found.groups() if one)
            tokens.append(_Token(kind, value, "", found.start()))
        seen = words.sub(lambda match: "\0" * len(match.group()), seen)
    return sorted(tokens, key=lambda token: token.start)


def _number(text: str) -> int:
    return NUMBERS.get(text) or int(text)


def _turned(tokens: list[_Token]) -> list[_Token]:
    """Put places before their papers: "发票是第一张，病历是第二张"."""
    turned: list[_Token] = []
    papers: list[_Token] = []
    for position, token in enumerate(tokens):
        if token.paper:
            papers.append(token)
            continue
        turned.append(token)
        after = tokens[position + 1 :]
        if not after or after[0].paper:
            turned += papers
            papers = []
    return turned + papers


def _without_places(papers: list[str], left: Sequence[int]) -> Labels:
    kinds = tuple(dict.fromkeys(papers))
    if len(left) == 1 or len(kinds) == 1:
        return Labels(dict.fromkeys(left, kinds))
    if len(papers) == len(left):
        return Labels({place: (paper,) for place, paper in zip(left, papers, strict=True)})
    return Labels({}, "which")


def _by_place(tokens: list[_Token], left: Sequence[int], count: int) -> Labels:
    kinds: dict[int, tuple[str, ...]] = {}
    waiting = [place for place in left]
    places: list[int] = []
    after_paper = True
    loose: list[str] = []
    for token in tokens:
        if token.paper:
            after_paper = True
            if not places:
                loose.append(token.paper)
            for place in places:
                kinds[place] = (*kinds.get(place, ()), token.paper)
            continue
        if after_paper:
            waiting = [place for place in waiting if place not in kinds]
            places, after_paper = [], False
        found = _placed(token, [p for p in waiting if p not in places], count)
        if found is None or any(not 0 <= place < count for place in found):
            return Labels({}, "range")
        # "两张都是发票" and "第一张和第二张都是" name them once.
        if token.kind != "all" or not places:
            places += found
    waiting = [place for place in left if place not in kinds]
    if loose and len(loose) == len(waiting):
        kinds |= {place: (paper,) for place, paper in zip(waiting, loose, strict=True)}
    elif loose:
        return Labels({}, "which")
    return Labels({place: tuple(dict.fromkeys(named)) for place, named in sorted(kinds.items())})


def _placed(token: _Token, waiting: list[int], count: int) -> list[int] | None:
    first = token.value[0] if token.value else 0
    match token.kind:
        case "range":
            return list(range(token.value[0] - 1, token.value[1])) or None
        case "nth":
            return [first - 1]
        case "first":
            return list(range(first))
        case "last":
            return list(range(count - first, count))
        case "last_one":
            return [count - 1]
        case "rest":
            return waiting
        case "all":
            return waiting[: first or None]
        case _:
            return waiting[:first] if len(waiting) >= first else None
