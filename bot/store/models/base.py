"""What all tables share. FHIR's names where it has one, the manual's terms elsewhere.

Money is ``NUMERIC(12, 2)`` in CNY; times are aware and stored in UTC; dates are local days
(Asia/Shanghai). ``version`` columns are optimistic locks: two writers of one row never both win.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import declarative_base, relationship

from bot.store.types import Money

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
if TYPE_CHECKING:

    class Base:
        """What type checkers see of the base of all tables; attributes are typed one by one."""

        metadata: ClassVar[sa.MetaData]
        __table__: ClassVar[Any]

        def __init__(self, **columns: Any) -> None: ...

else:
    Base = declarative_base(metadata=sa.MetaData(naming_convention=NAMING))

MONEY = Money()


def col(*args: Any, **kwargs: Any) -> Any:
    """Declare a column; NOT NULL unless said otherwise."""
    kwargs.setdefault("nullable", False)
    return sa.Column(*args, **kwargs)


def key() -> Any:
    """Declare an integer primary key."""
    return sa.Column(sa.Integer, primary_key=True, autoincrement=True)


def ref(target: str, **kwargs: Any) -> Any:
    """Declare an indexed foreign key to ``target``."""
    return col(sa.Integer, sa.ForeignKey(target, ondelete="RESTRICT"), index=True, **kwargs)


def link(*args: Any, **kwargs: Any) -> Any:
    """Declare a relationship."""
    return relationship(*args, **kwargs)


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """Allow only ``values`` in ``column``."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


def utcnow() -> datetime:
    """Wall-clock time of a row's creation, for the audit only; business times are arguments."""
    return datetime.now(UTC)
