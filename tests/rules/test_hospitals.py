"""Kinds of hospital (V1, V2)."""

import pytest

from bot.rules.hospitals import Arrangement, HospitalKind, arrangement, bills_directly


@pytest.mark.parametrize(
    ("kind", "directly", "arranged"),
    [
        (HospitalKind.PUBLIC_SPECIAL, True, Arrangement.BOOKED_BY_STAFF),
        (HospitalKind.NETWORK_CLINIC, True, Arrangement.CALL_THE_CLINIC),
        (HospitalKind.PUBLIC, False, Arrangement.NO_BOOKING_HERE),
    ],
)
def test_v2_each_kind_is_arranged_in_its_way(
    kind: HospitalKind, directly: bool, arranged: Arrangement
) -> None:
    """V1, V2: what bills directly, and who books."""
    assert bills_directly(kind) is directly
    assert arrangement(kind) is arranged
