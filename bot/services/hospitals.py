"""Hospitals by what parents call them, and what each one is to a plan."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from bot.services.errors import NotFound
from bot.store import queries
from bot.store.models import Hospital
from bot.store.session import Store

# Below this similarity (0-100) a name is another hospital's, not a slip of the keyboard.
TYPO_SIMILARITY = 85
SHORTEST_TYPO = 4
# What is left of a name without these says by itself which hospital is meant ("复旦").
_GENERIC = re.compile(r"(?:儿科|儿童|医院|诊所|门诊部|国际部|医学中心|诊疗部)")
SHORTEST_NAME = 2
_NUMBERS = re.compile(r"[0-9〇零一二三四五六七八九十百]")
# Departments in the words of every day; symptoms are for triage (M3).
_EVERYDAY = {
    "口腔": "看牙|牙齿|牙科|蛀牙|补牙|拔牙|看看牙",
    "眼科": "眼睛|视力|近视|斜视",
    "耳鼻喉": "鼻子|鼻炎|耳朵|喉咙|腺样体",
    "骨科": "骨头|骨折",
    "心内": "心脏",
    "儿童保健": "儿保|体检",
    "疫苗": "打针苗|预防针|打疫苗|接种",
}
# Cities that parents ask about; without these "苏州有吗" would be answered with Shanghai.
_CITIES = tuple(
    "北京 上海 天津 重庆 广州 深圳 杭州 苏州 南京 无锡 常州 宁波 温州 嘉兴 绍兴 合肥 武汉 成都 "
    "西安 长沙 郑州 济南 青岛 大连 沈阳 哈尔滨 长春 石家庄 太原 南昌 福州 厦门 泉州 南宁 昆明 "
    "贵阳 兰州 西宁 银川 乌鲁木齐 呼和浩特 海口 三亚 东莞 佛山 珠海 中山 惠州 南通 扬州 徐州 "
    "昆山 烟台 拉萨 香港 澳门".split()
)
_DISTRICTS = tuple("静安 长宁 虹口 普陀 宝山 嘉定 松江 青浦 奉贤 金山 崇明 海淀 丰台".split())


@dataclass(frozen=True)
class HospitalView:
    """A hospital as told to parents."""

    name: str
    kind: str
    brand: str | None
    city: str
    district: str
    address: str
    hours: str
    phone: str
    introduction: str
    onsite_assistance: bool
    departments: tuple[str, ...]
    aliases: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Match:
    """A name found in a text, with where it stands."""

    value: str
    start: int
    end: int


def hospitals(store: Store, *, kind: str | None = None) -> list[HospitalView]:
    """Return all hospitals, or those of one kind."""
    with store.read() as session:
        return in_session(session, kind=kind)


def in_session(session: Any, *, kind: str | None = None) -> list[HospitalView]:
    """Return what :func:`hospitals` does, inside a transaction."""
    return [_view(row) for row in queries.hospitals(session, kind=kind)]


def hospital(store: Store, name: str) -> HospitalView:
    """Return a hospital by its full name.

    Raises:
        NotFound: There is none.
    """
    for found in hospitals(store):
        if found.name == name:
            return found
    raise NotFound("hospital")


def match_hospital(text: str, known: Iterable[HospitalView]) -> Match | None:
    """Find the hospital that a text names, by name or alias, typos and homophones forgiven.

    What is left of an alias without "医院" and the like counts too ("复旦"). Of a brand's clinics
    the one in the city or district that the text names is meant.
    """
    places = list(known)
    names = [(alias, h.name) for h in places for alias in h.names]
    match = match_name(text, [*names, *_short_names(places)])
    if match is None:
        return None
    meant = next(h for h in places if h.name == match.value)
    for other in places:
        same_brand = meant.brand is not None and other.brand == meant.brand
        if same_brand and _stands_in(other, text) and not _stands_in(meant, text):
            return Match(other.name, match.start, match.end)
    return match


def _short_names(known: list[HospitalView]) -> list[tuple[str, str]]:
    owners: dict[str, set[str]] = {}
    for place in known:
        for alias in place.aliases:
            short = _GENERIC.sub("", alias)
            if len(short) >= SHORTEST_NAME:
                owners.setdefault(short, set()).add(place.name)
    return [(short, names.pop()) for short, names in owners.items() if len(names) == 1]


def _stands_in(place: HospitalView, text: str) -> bool:
    return place.city in text or any(word in text for word in _district_words(place))


def _district_words(place: HospitalView) -> list[str]:
    word = place.district.removesuffix("区").removesuffix("新")
    return [word] if word else []


def match_department(text: str, departments: Iterable[str]) -> Match | None:
    """Find the department that a text names, in the hospitals' words or in everyday ones."""
    names = [(word, d) for d in departments for word in _department_words(d)]
    return match_name(text, names) or _homophone(text, names)


def _department_words(department: str) -> list[str]:
    short = department.removeprefix("小儿")
    words = [department, short, short.removesuffix("科")]
    if department == "小儿内科":
        # 儿科 alone means the general one.
        words.append("儿科")
    for part, everyday in _EVERYDAY.items():
        if part in department:
            words += everyday.split("|")
    return [word for word in dict.fromkeys(words) if len(word) >= SHORTEST_NAME]


def _homophone(text: str, names: list[tuple[str, str]]) -> Match | None:
    # "皮夫科" is too short to be like 皮肤科 by its letters alone.
    for said, value in sorted(names, key=lambda pair: -len(pair[0])):
        if not said.endswith("科"):
            continue
        for start in range(len(text) - len(said) + 1):
            if lazy_pinyin(text[start : start + len(said)]) == lazy_pinyin(said):
                return Match(value, start, start + len(said))
    return None


@dataclass(frozen=True)
class Search:
    """What fits a search; ``missing`` is the city or district named where there is none."""

    places: list[HospitalView]
    missing: str | None


def search(text: str, known: Iterable[HospitalView], kinds: Iterable[str] = ()) -> Search:
    """Find the hospitals that a question asks for, by brand, city, district, department, kind (E2).

    Args:
        text: What the parent typed.
        known: The directory.
        kinds: Only these kinds of hospital; none means all.
    """
    everywhere = list(known)
    wanted = set(kinds) or {h.kind for h in everywhere}
    fitting = [h for h in everywhere if h.kind in wanted]
    brands = {h.brand for h in fitting if h.brand and h.brand in text}
    if brands:
        fitting = [h for h in fitting if h.brand in brands]
    department = match_department(text, dict.fromkeys(d for h in fitting for d in h.departments))
    if department is not None:
        said = text[department.start : department.end]
        fitting = [h for h in fitting if _has(h, department.value, said)]
    cities = [city for city in _CITIES if city in text]
    near = [h for h in fitting if h.city in cities]
    if cities and not near:
        elsewhere = not any(h.city in cities for h in everywhere)
        return Search(fitting, cities[0]) if elsewhere else Search([], None)
    fitting = near or fitting
    there = [h for h in fitting if any(word in text for word in _district_words(h))]
    district = _district_named(text, everywhere)
    if district and not there:
        return Search(fitting, district)
    return Search(there or fitting, None)


def _has(place: HospitalView, department: str, said: str) -> bool:
    return department in place.departments or any(
        said in _department_words(d) for d in place.departments
    )


def _district_named(text: str, known: Iterable[HospitalView]) -> str | None:
    words = [word for place in known for word in _district_words(place)]
    return next((word for word in (*words, *_DISTRICTS) if word in text), None)


def match_name(text: str, names: Iterable[tuple[str, str]]) -> Match | None:
    """Return the longest exact name in ``text``, else the closest likely misspelling.

    Args:
        text: What the parent typed.
        names: Pairs of (name as said, value to return).
    """
    pairs = sorted(names, key=lambda pair: -len(pair[0]))
    for said, value in pairs:
        start = text.find(said)
        if start >= 0:
            return Match(value, start, start + len(said))
    best: tuple[float, Match] | None = None
    for said, value in pairs:
        if len(said) < SHORTEST_TYPO or len(text) < SHORTEST_TYPO:
            continue
        found = _closest(text, said, value)
        if found and (best is None or found[0] > best[0]):
            best = found
    return best[1] if best else None


def _closest(text: str, said: str, value: str) -> tuple[float, Match] | None:
    target = " ".join(lazy_pinyin(said))
    best: tuple[float, Match] | None = None
    for start in range(len(text) - len(said) + 1):
        window = text[start : start + len(said)]
        if _NUMBERS.findall(window) != _NUMBERS.findall(said):
            # 市六医院 is no slip of the keyboard for 市一医院.
            continue
        score = fuzz.ratio(" ".join(lazy_pinyin(window)), target)
        if score >= TYPO_SIMILARITY and (best is None or score > best[0]):
            best = (score, Match(value, start, start + len(said)))
    return best


def _view(row: Hospital) -> HospitalView:
    return HospitalView(
        name=row.name,
        kind=row.kind,
        brand=row.brand,
        city=row.city,
        district=row.district or "",
        address=row.address,
        hours=row.hours,
        phone=row.phone,
        introduction=row.introduction,
        onsite_assistance=row.onsite_assistance,
        departments=tuple(d.name for d in row.departments),
        aliases=tuple(a.alias for a in row.aliases),
    )
