"""Values as the partner API writes and reads them.

Money is a decimal string in CNY, a moment RFC 3339 with its offset, a day a local day of
Asia/Shanghai.
"""

from __future__ import annotations

import base64
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from bot.desk.api_problems import Problem
from bot.rules.calendar import TZ

# Neither control characters nor what only looks like nothing.
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
_MONEY = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$"
_DAY = r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"
_MOMENT = re.compile(
    r"(20|21)\d\d-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
DEFAULT_LIMIT, MOST = 50, 200


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - pydantic tells a ValueError on.
    return value


def _money(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not re.fullmatch(_MONEY, _text(value), re.ASCII):
        raise ValueError("must be an amount with two decimals at most, as a string")
    return Decimal(value)


def _day(value: Any) -> date:
    if type(value) is date:
        return value
    if not re.fullmatch(_DAY, _text(value), re.ASCII):
        raise ValueError("must be a day such as 2026-11-23")
    return date.fromisoformat(value)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(TZ)
    if not _MOMENT.fullmatch(_text(value)):
        raise ValueError("must be a moment such as 2026-11-23T10:00:00+08:00")
    return datetime.fromisoformat(value.upper()).astimezone(TZ)


def _words(most: int) -> Any:
    return StringConstraints(
        strip_whitespace=True, min_length=1, max_length=most, pattern=_PLAIN, strict=True
    )


def _not_blank(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


Words32 = Annotated[str, _words(32), AfterValidator(_not_blank)]
Words64 = Annotated[str, _words(64), AfterValidator(_not_blank)]
Words100 = Annotated[str, _words(100), AfterValidator(_not_blank)]
Words200 = Annotated[str, _words(200), AfterValidator(_not_blank)]
Words500 = Annotated[str, _words(500), AfterValidator(_not_blank)]
LongText = Annotated[str, StringConstraints(max_length=5000, pattern=r"^[^\x00]*$", strict=True)]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _MONEY, "examples": ["128.50"]}),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": _DAY}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Reference = Annotated[
    str, Path(pattern="^[A-Z]{1,3}[0-9]{1,12}$", description="Its number, for example A10001.")
]
DryRun = Annotated[bool, Query(description="Check and count only; write nothing.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=40,
        pattern="^[A-Za-z0-9_-]*$",
        description="`next_cursor` of the page before.",
    ),
]


class In(BaseModel):
    """What is sent; an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Some of a list, oldest first, and where the next page begins, if there is one."""

    items: list[T]
    next_cursor: str | None = Field(description="Absent from the last page's next: null.")


def cursor_of(row: int | None) -> str | None:
    """Write down where a page ends."""
    if row is None:
        return None
    return base64.urlsafe_b64encode(f"after:{row}".encode()).decode().rstrip("=")


def after(cursor: str | None) -> int:
    """Read where the page before ended.

    Raises:
        Problem: 422 if it is no cursor of ours.
    """
    if cursor is None:
        return 0
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.urlsafe_b64decode(padded.encode()).decode("ascii")
    except ValueError:
        text = ""
    match = re.fullmatch(r"after:([0-9]{1,9})", text, re.ASCII)
    if match is None:
        raise Problem(422, "cursor", "This is no cursor of this list.")
    return int(match.group(1))
