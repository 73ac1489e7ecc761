"""Which of a parent's children a message means, by the words of a family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from bot.nlu.normalise import normalise
from bot.services.identity import PolicyChoice

_FIRST = (
    r"老大|大宝|大娃|哥哥|姐姐|大儿子|大女儿|大闺女|大仔|大囡|大的(?:那|孩|娃|宝|个|$)|(?<=家)大的|"
    r"(?i:\b(?:older|oldest|elder|eldest|big (?:brother|sister)))\b"
)
_SECOND = r"老二|二宝|二娃"
_THIRD = r"老三|三宝|三娃"
_LAST = (
    r"老幺|老小|弟弟|妹妹|小儿子|小女儿|小闺女|细仔|细女|细囡|小的(?:那|孩|娃|宝|个|$)|(?<=家)小的|"
    r"(?i:\b(?:younger|youngest|little (?:brother|sister)))\b"
)
RANKS = tuple(
    (re.compile(words), place)
    for words, place in ((_FIRST, 0), (_SECOND, 1), (_THIRD, 2), (_LAST, -1))
)
# "不是沐宸,是沐瑶", "不看沐宸了看沐瑶的": what is not meant. "是不是沐宸的" means him.
_NOT_MEANT = re.compile(
    r"(?<!是)不是[^,，。;；\s]*|(?:不|别)(?:再)?(?:看|查|说|问|聊|选|要)[^,，。;；\s]*?了"
)


def mentioned(text: str, choices: Sequence[PolicyChoice]) -> list[str]:
    """Return the children whom a text names, in the order of naming.

    They are named by the whole name, the given name or its last sign doubled (沐瑶 is 瑶瑶 at
    home), in either script; if there is no name, by their rank.
    """
    text = normalise(text).text
    places = {choice.child: _place(normalise(choice.child).text, text) for choice in choices}
    found = sorted((place, child) for child, place in places.items() if place >= 0)
    return [child for _, child in found] or ranked(text, choices)


def _place(child: str, text: str) -> int:
    found = [text.find(name) for name in (child, child[1:], child[-1] * 2)]
    return min((place for place in found if place >= 0), default=-1)


def left_out(text: str, choices: Sequence[PolicyChoice]) -> list[str]:
    """Return the children named as not meant ("不看沐宸了"); nobody, if another is named."""
    return [] if mentioned(_NOT_MEANT.sub("", text), choices) else mentioned(text, choices)


def meant(text: str, choices: Sequence[PolicyChoice]) -> list[str]:
    """Return the children whom a text names and does not deny, else all whom it names."""
    return mentioned(_NOT_MEANT.sub("", text), choices) or mentioned(text, choices)


def ranked(text: str, choices: Sequence[PolicyChoice]) -> list[str]:
    """Return the children named by their rank ("老大", "妹妹"), in the order of naming.

    Nobody, if there is one child, or if two were born on one day.
    """
    born = {choice.child: choice.born for choice in choices}
    if len(born) < 2 or len(set(born.values())) < len(born):
        return []
    children = sorted(born, key=born.__getitem__)
    found = [
        (match.start(), children[place])
        for words, place in RANKS
        for match in words.finditer(text)
        if place < len(children)
    ]
    return list(dict.fromkeys(child for _, child in sorted(found)))


def policy_of(
    child: str, choices: Sequence[PolicyChoice], current: object, today: date
) -> PolicyChoice | None:
    """Return the policy that a child's name means; ``None`` if that is not clear.

    Of several policies of one child it is the one talked about, else the only one in force.
    """
    own = [choice for choice in choices if choice.child == child]
    if len(own) <= 1:
        return own[0] if own else None
    talked = [choice for choice in own if choice.number == current]
    valid = [choice for choice in own if choice.valid_from <= today <= choice.valid_to]
    return next(iter(talked or (valid if len(valid) == 1 else [])), None)
