"""Pages of the desk: templates in which every value is escaped, and the words they need."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from bot.rules.calendar import local
from bot.rules.staff import Role
from bot.services import wording
from bot.services.transcripts import mask
from bot.texts import texts

if TYPE_CHECKING:
    from bot.desk.console.calls import Call

_TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
NO_STORE = {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex, nofollow"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Marks that turn the direction of what follows, and those that are not seen at all.
_UNSEEN = {"Cc", "Cf", "Zl", "Zp"}
_KEPT = {"\n", "\t", "\u200d", "\ufe0f"}


def page(call: Call, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a template, filled in.

    It knows ``call``, ``said`` (the sentence about what was done before) and ``Role`` beside
    ``values``.
    """
    told = texts().get(f"desk_said_{call.query('said')}")
    values = {"call": call, "said": told.text if told else None, **values}
    body = environment().get_template(template).render(values)
    return HTMLResponse(body, status, _headers())


def problem(sentence: str, status: int) -> Response:
    """Answer with a page that says what is wrong and leads back."""
    body = environment().get_template("problem.html").render(sentence=sentence, status=status)
    return HTMLResponse(body, status, _headers())


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates, with the filters for times, amounts and words."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "plain": plain,
        "masked": mask,
        "moment": moment,
        "day": day,
        "clock": clock_time,
        "duration": duration,
        "yuan": yuan,
        "word": word,
    }
    made.globals |= {"Role": Role}
    return made


def plain(text: str) -> str:
    """Return what somebody wrote with every invisible sign made visible, as ``⟨202E⟩``."""
    return "".join(
        f"⟨{ord(sign):04X}⟩" if _is_unseen(sign) and sign not in _KEPT else sign for sign in text
    )


def moment(value: datetime | None) -> str:
    """Write a day and clock time in Asia/Shanghai, ``11-23 10:05``; ``—`` for none."""
    return "—" if value is None else f"{local(value):%m-%d %H:%M}"


def day(value: date | None) -> str:
    """Write a local day, ``2026-11-23``; ``—`` for none."""
    return "—" if value is None else f"{value:%Y-%m-%d}"


def clock_time(value: datetime | None) -> str:
    """Write a clock time in Asia/Shanghai, ``10:05``; ``—`` for none."""
    return "—" if value is None else f"{local(value):%H:%M}"


def duration(value: timedelta | None) -> str:
    """Write how long something takes or took, in its two largest units; ``—`` for none."""
    if value is None:
        return "—"
    seconds = max(0, int(value.total_seconds()))
    parts = [(seconds // 86400, "天"), (seconds // 3600 % 24, "小时"), (seconds // 60 % 60, "分")]
    told = [f"{number} {unit}" for number, unit in parts if number]
    if seconds < 600 and seconds % 60:
        told.append(f"{seconds % 60} 秒")
    return " ".join(told[:2]) or "0 秒"


def yuan(value: Decimal | None) -> str:
    """Write an amount in CNY; ``—`` for none."""
    return "—" if value is None else f"¥{wording.yuan(value)}"


def word(value: str, group: str) -> str:
    """Return staff's word for a machine's word: the text ``desk_<group>_<value>``, or itself."""
    known: Mapping[str, Any] = texts()
    found = known.get(f"desk_{group}_{value}") or known.get(f"line_{group}_{value}")
    return str(found.text) if found is not None else value


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in _UNSEEN


def _headers() -> dict[str, str]:
    return NO_STORE | {
        "Content-Security-Policy": POLICY,
        # With none at all, browsers send forms from an origin called null.
        "Referrer-Policy": "same-origin",
    }
