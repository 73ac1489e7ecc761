"""Where a parent says a visit was: any hospital's name, the directory's own where it is listed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pypinyin import lazy_pinyin

from bot.services.hospitals import HospitalView, match_name

LONGEST_NAME = 64
_SUFFIX = (
    r"(?:医院|卫生院|保健院|保健所|门诊部|诊所|卫生服务中心|卫生服务站|医学中心|医疗中心|健康中心)"
)
_NAME = re.compile(
    rf"[一-鿿A-Za-z0-9（）()·]{{0,30}}?{_SUFFIX}"
    rf"(?:[（(][^）)]{{1,8}}[）)])?(?:[一-鿿]{{0,6}}?(?:院区|分院|[东南西北]院|总院|本部|国际部|特需部|特需门诊))?"
)
_ENGLISH = re.compile(r"(?:[A-Z][\w'’.]* ){1,6}(?:Hospital|Clinic|Medical Center)")
# What stands before a name: "上次是在", "写错了，改成". 从化 and 于都 are places.
_LEAD = re.compile(
    r".*(?:在|去了?|到|是|从(?!化)|找|跑|挂|改成|改为|换成|写错了?|说错了?|不对|我们|我家|孩子|宝宝|"
    r"宝贝|娃|儿子|女儿|闺女|上午|下午|晚上|看了?|就诊|的|那个|那家|这家|哪家|就|叫|给)",
    re.DOTALL,
)
_ONLY_A_TYPE = re.compile(
    rf"(?:公立|私立|民营|互联网|网络内?|网上|线上|手机|三甲|二甲|当地|本地|外地|大|小|别的|其他|"
    rf"附近|家附近|家门口|一家|某家?|直付|普通|特需|国际)*{_SUFFIX}"
)
_NOT = re.compile(r"(?:不是|不在|没在|没去|不去|并非)(?:在|去|到)?$")
# Words that say which part of a public hospital it was: only these are billed directly.
_SPECIAL = re.compile(r"特需|国际|镜朗|VIP", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """A place of treatment in a message.

    ``name`` is the directory's own where it is listed, else as it was said, and ``None`` where
    only a type was said ("公立医院"). ``kind`` is the directory's, ``None`` for others.
    """

    name: str | None
    kind: str | None
    start: int
    end: int


def place_named(
    text: str, known: Iterable[HospitalView], blocked: Iterable[tuple[int, int]] = ()
) -> Place | None:
    """Find the hospital in a message about a past visit (手册·非直付理赔流程 C1 to C5).

    A claim may be for any hospital, so a name that is merely close to a listed one stays as it
    was said, unless it sounds the same; network clinics are found by likeness too, for no claim
    is taken there (C5). The name of a whole hospital is not that of its direct-billing ward.

    Args:
        text: What the parent typed.
        known: The directory.
        blocked: Spans that are something else, for example dates.
    """
    listed = _listed(text, list(known))
    said = _said(text, list(blocked))
    if listed is None:
        return said
    if said is None or said.name is None or listed.kind == "network_clinic":
        return listed
    whole = listed.kind == "public_special" and not _SPECIAL.search(text)
    # "常州市一医院" is not the listed "市一医院".
    longer = said.start < listed.start and said.end >= listed.end
    return said if whole or longer else listed


def _listed(text: str, known: list[HospitalView]) -> Place | None:
    for hospital in known:
        match = match_name(text, [(name, hospital.name) for name in hospital.names])
        if match is None or _NOT.search(text[: match.start]):
            continue
        written = text[match.start : match.end]
        alike = hospital.kind == "network_clinic" or any(
            lazy_pinyin(written) == lazy_pinyin(name) for name in hospital.names
        )
        if alike:
            return Place(hospital.name, hospital.kind, match.start, match.end)
    return None


def _said(text: str, blocked: list[tuple[int, int]]) -> Place | None:
    for start, end in blocked:
        text = text[:start] + "，" * (end - start) + text[end:]
    english = _ENGLISH.search(text)
    if english is not None:
        return Place(english.group()[:LONGEST_NAME], None, *english.span())
    only_type: Place | None = None
    for match in _NAME.finditer(text):
        lead = _LEAD.match(match.group())
        name = match.group()[lead.end() :] if lead else match.group()
        start = match.end() - len(name)
        if _NOT.search(text[:start]):
            continue
        if name and not _ONLY_A_TYPE.fullmatch(name):
            return Place(name[:LONGEST_NAME], None, start, match.end())
        only_type = only_type or Place(None, None, start, match.end())
    return only_type
