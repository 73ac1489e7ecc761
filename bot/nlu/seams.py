"""Where a message may fall apart into requests: pauses, and words such as 顺便 and 另外."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_LONGEST = 160
# Without a word such as 顺便, only a short message is looked at: longer ones are stories.
_LONGEST_UNMARKED = 50
_SHORTEST = 2
_SIGNS = " ,，。;；!！?？~～、\n"

# Words that announce one more request wherever they stand, run-on speech included.
_INLINE = re.compile(
    r"顺(?:便|带(?!而)|道)|順(?:便|帶|道)|(?<![请請要得后後头頭候次想能可用需会會不先没沒])(?:"
    r"(?:(?:然后|然後|接着|接著|最后|最後)再?|再)(?:帮|幫|[给給替](?!我(?:打|发|說|说))[^,，。;；!！?？]{1,6}?[查约約取问問报報挂掛]|问[一下问]|問|查[一下查]|约(?!一次|的)|約(?!一次|的)|取消|预约|預約)|"
    r"(?:还|還|也)(?:[想要]|得|需要)(?:再)?(?:问|問|查|约[个一]|約[個一]|咨询|諮詢|请教|取消|了解)|(?:还|還|也)(?:请|請|麻烦|麻煩)?(?:帮|幫)我|"
    r"另外(?:再|还|也|帮|请|问|想|麻烦)|(?<![填写說说弄答搞做是都])[对對]了(?=[我那你您还還帮幫问問想再顺順理报額额预約约授]))|"
    r"\bby the way\b|\bbtw\b|\b(?:and )?also\b|\band (?=can|could|please|what|how|when|check|book|cancel|i )",
    re.IGNORECASE,
)
# Words that do so only after a pause: elsewhere "还有" and "另外" are plain adverbs.
_OPENING = re.compile(
    r"另外(?![那两几一二三四五]|的|[付交收]费)|此外|对了|對了|其次|第[二三](?:件|个|個|[,，、:：])|[2-3２３][.、．)）](?!\d)|"
    r"(?:还|還)有(?=[,，、:：我你就请請问問想那这這帮幫]|[一个件點点]*(?:事|问题)|.{0,12}(?:怎么|怎麼|什么|什麼|哪|多少|能不能|可不可以|几))(?!.{0,3}(?:吗|嗎|没|么)[?？]?$)|"
    r"(?:还|還)(?:想|需要)|再(?:看看|看下|看一下|就是|有就是|一个)|然后(?:我|呢|还)|也(?:顺|想问)",
)
# What opens a further request says nothing of it.
LEADS = re.compile(
    r"(?:顺便|順便|顺带|順帶|顺道|另外|此外|[对對]了|[还還]有|然后|然後|接着|接著|最后|最後|其次|再(?=[帮幫问問查约約给給替取])|[还還](?=[想要]问|[想要]問)|"
    r"[也还還](?=[帮幫请請麻])|第[二三][件个個]?|[2-3２３][.、．)）]|(?:and )?also |by the way|btw|and |[\s,，。、;；:：!！~～])+",
    re.IGNORECASE,
)
_PAUSE = re.compile(
    r"\s+(?=[2-3２３][.、．)）])|[,，。;；!！?？~～\n]+|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])"
)
# A piece without any of these asks for nothing.
CUE = re.compile(
    r"[帮幫要想请請查问問约約挂找换換改退交报報赔賠绑綁付缴缴开開投告看]|麻烦|麻煩|取消|额度|額度|余额|预约|預約|授权|授權|"
    r"什么|什麼|啥|怎么|怎麼|咋|多少|多久|哪|几点|幾點|几天|吗|嗎|呢|能不能|可以|进度|材料|人工|客服|回电|"
    r"算了|不[约弄办用]了|book|cancel|check|claim|how|what|when|where|can |need|want",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Piece:
    """A stretch of a message between two seams.

    Attributes:
        start: Where it begins in the message.
        end: Where it ends.
        hard: Whether a word such as 顺便 opens it.
    """

    start: int
    end: int
    hard: bool


def pieces(text: str) -> list[Piece]:
    """Cut a message at its seams.

    Args:
        text: The message as it arrived.

    Returns:
        Pieces that cover it, each but the first opened by a pause or a word such as 顺便;
        one piece where the message has no seam, or is too long to be a list of requests.
    """
    if text.startswith("/") or len(text) > _LONGEST:
        return [Piece(0, len(text), hard=False)]
    seams = {0: False}
    for match in _PAUSE.finditer(text):
        seams[match.end()] = False
    for place in list(seams):
        lead = len(text[place:]) - len(text[place:].lstrip())
        seams[place] = place > 0 and _OPENING.match(text, place + lead) is not None
    for match in _INLINE.finditer(text):
        if text[: match.start()].strip(_SIGNS):
            seams[match.start()] = True
    if len(text) > _LONGEST_UNMARKED:
        seams = {place: hard for place, hard in seams.items() if hard or place == 0}
    starts = sorted(place for place in seams if place < len(text))
    ends = [*starts[1:], len(text)]
    found = [Piece(s, e, seams[s]) for s, e in zip(starts, ends, strict=True)]
    return _with_cues(text, found)


def _with_cues(text: str, found: list[Piece]) -> list[Piece]:
    """Join what asks for nothing, or is next to nothing, to its neighbour."""
    joined: list[Piece] = []
    asking = False
    for piece in found:
        said = text[piece.start : piece.end].strip(_SIGNS)
        cued = len(said) >= _SHORTEST and bool(piece.hard or CUE.search(said))
        if (joined and not cued) or (joined and not (asking or piece.hard)):
            # What comes before the first request belongs to it, unless "顺便" parts them.
            joined[-1] = replace(joined[-1], end=piece.end)
        else:
            joined.append(piece)
        asking = asking or cued
    return joined


def without_lead(said: str) -> str:
    """Return a further request without the "顺便再" that opens it."""
    lead = LEADS.match(said)
    return said[lead.end() :] or said if lead else said
