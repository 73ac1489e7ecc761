"""Column types."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator):  # type: ignore[type-arg]  # not subscriptable when run
    """An aware datetime, stored in UTC; a naive one is refused.

    SQLite has no time zones: there the UTC clock time is stored and made aware again when read.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Convert to UTC on the way in.

        Raises:
            ValueError: ``value`` is naive.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a naive datetime cannot be stored"
            raise ValueError(msg)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Return an aware UTC datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Money(TypeDecorator):  # type: ignore[type-arg]  # not subscriptable when run
    """An amount with two decimals at most, ``Decimal`` in and out, ``NUMERIC(12, 2)`` stored.

    SQLite has no decimals: there the amount is a double, which is exact to the hundredth for all
    twelve digits, and becomes a ``Decimal`` of two decimals again when read. An amount that the
    column would round or cannot hold is refused on both databases alike, and so is a float.
    """

    impl = sa.Numeric(12, 2)
    cache_ok = True

    _LARGEST = Decimal("9999999999.99")
    _HUNDREDTH = Decimal("0.01")

    def load_dialect_impl(self, dialect: Any) -> Any:
        """Read doubles from SQLite without the driver's detour."""
        as_decimal = dialect.name != "sqlite"
        return dialect.type_descriptor(sa.Numeric(12, 2, asdecimal=as_decimal))

    def process_bind_param(self, value: Decimal | int | None, dialect: Any) -> Any:
        """Check the amount on the way in.

        Raises:
            ValueError: It has more than two decimals or more than ten digits before them.
            TypeError: It is a float.
        """
        if value is None:
            return None
        if not isinstance(value, Decimal | int):
            msg = "an amount is a Decimal or a whole number"
            raise TypeError(msg)
        amount = Decimal(value)
        if not amount.is_finite() or abs(amount) > self._LARGEST:
            msg = "an amount has ten digits before the point at most"
            raise ValueError(msg)
        if amount != amount.quantize(self._HUNDREDTH):
            msg = "an amount has two decimals at most"
            raise ValueError(msg)
        return float(amount) if dialect.name == "sqlite" else amount

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        """Return a ``Decimal`` with two decimals."""
        return None if value is None else Decimal(f"{value:.2f}")
