"""The kinds of hospital, and what each means for booking, paying and applying.

手册·就医流程 V1, V2, V4; 手册·事先授权 P3; 手册·理赔流程 C5.
"""

from enum import StrEnum


class HospitalKind(StrEnum):
    """How a hospital stands to the insurer; a plan's routes are named with the same words."""

    NETWORK_CLINIC = "network_clinic"  # 网络内私立医疗机构
    PUBLIC_SPECIAL = "public_special"  # 可直付公立医院, 特需部/国际部
    PUBLIC = "public"  # 其他公立医院


DIRECT_BILLING_KINDS = frozenset({HospitalKind.NETWORK_CLINIC, HospitalKind.PUBLIC_SPECIAL})


class Arrangement(StrEnum):
    """How a visit to a hospital is arranged."""

    BOOKED_BY_STAFF = "booked_by_staff"
    CALL_THE_CLINIC = "call_the_clinic"
    NO_BOOKING_HERE = "no_booking_here"


_ARRANGEMENTS = {
    HospitalKind.PUBLIC_SPECIAL: Arrangement.BOOKED_BY_STAFF,
    HospitalKind.NETWORK_CLINIC: Arrangement.CALL_THE_CLINIC,
    HospitalKind.PUBLIC: Arrangement.NO_BOOKING_HERE,
}


def bills_directly(kind: HospitalKind) -> bool:
    """Say whether a hospital of this kind bills the insurer itself (手册·就医流程 V1)."""
    return kind in DIRECT_BILLING_KINDS


def arrangement(kind: HospitalKind) -> Arrangement:
    """Give how a visit to a hospital of this kind is arranged (手册·就医流程 V2).

    Staff book direct-billing public hospitals only; a network clinic takes the parent's own call,
    an ordinary public hospital needs nothing from here.
    """
    return _ARRANGEMENTS[kind]
