"""Hospitals and clinics with their names and departments."""

from __future__ import annotations

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, link, one_of, ref

HOSPITAL_KINDS = ("public_special", "network_clinic", "public")


class Hospital(Base):
    """A hospital or clinic; ``public_special`` is billed directly and booked ahead (V2)."""

    __tablename__ = "hospital"
    __table_args__ = (one_of("kind", *HOSPITAL_KINDS),)
    id: int = key()
    name: str = col(sa.String(64), unique=True)
    kind: str = col(sa.String(32))
    brand: str | None = col(sa.String(32), nullable=True)
    city: str = col(sa.String(32), index=True)
    district: str | None = col(sa.String(32), nullable=True)
    address: str = col(sa.String(200))
    hours: str = col(sa.String(100))
    phone: str = col(sa.String(32))
    introduction: str = col(sa.Text)
    onsite_assistance: bool = col(sa.Boolean, default=False)
    aliases: list[HospitalAlias] = link(
        "HospitalAlias", back_populates="hospital", order_by="HospitalAlias.id"
    )
    departments: list[HospitalDepartment] = link(
        "HospitalDepartment", back_populates="hospital", order_by="HospitalDepartment.id"
    )


class HospitalAlias(Base):
    """What parents call a hospital."""

    __tablename__ = "hospital_alias"
    __table_args__ = (sa.UniqueConstraint("hospital_id", "alias"),)
    id: int = key()
    hospital_id: int = ref("hospital.id")
    alias: str = col(sa.String(64))
    hospital: Hospital = link("Hospital", back_populates="aliases")


class HospitalDepartment(Base):
    """A department of a hospital."""

    __tablename__ = "hospital_department"
    __table_args__ = (sa.UniqueConstraint("hospital_id", "name"),)
    id: int = key()
    hospital_id: int = ref("hospital.id")
    name: str = col(sa.String(32))
    hospital: Hospital = link("Hospital", back_populates="departments")
