"""Hospitals by what parents call them, and what each one is to a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from bot.services.errors import NotFound
from bot.store import queries
from bot.store.models import Hospital
from bot.store.session import Store

# Below this similarity (0-100) a name is another hospital's, not a slip of the keyboard.
TYPO_SIMILARITY = 85
SHORTEST_TYPO = 4


@dataclass(frozen=True)
class HospitalView:
    """A hospital as told to parents."""

    name: str
    kind: str
    brand: str | None
    city: str
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
        return [_view(row) for row in queries.hospitals(session, kind=kind)]


def hospital(store: Store, name: str) -> HospitalView:
    """Return a hospital by its full name.

    Raises:
        NotFound: There is none.
    """
    for found in hospitals(store):
        if found.name == name:
            return found
    raise NotFound(name)


def match_hospital(text: str, known: Iterable[HospitalView]) -> Match | None:
    """Find the hospital that a text names, by name or alias, typos and homophones forgiven."""
    names = [(alias, h.name) for h in known for alias in h.names]
    return match_name(text, names)


def match_department(text: str, departments: Iterable[str]) -> Match | None:
    """Find the department that a text names."""
    pairs = [(d, d) for d in departments]
    pairs += [(d.removeprefix("小儿"), d) for d, _ in pairs if d.startswith("小儿")]
    # 儿科 alone means the general one.
    pairs += [("儿科", d) for d, _ in pairs if d == "小儿内科"]
    return match_name(text, dict.fromkeys(pairs))


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
        address=row.address,
        hours=row.hours,
        phone=row.phone,
        introduction=row.introduction,
        onsite_assistance=row.onsite_assistance,
        departments=tuple(d.name for d in row.departments),
        aliases=tuple(a.alias for a in row.aliases),
    )
