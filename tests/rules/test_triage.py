"""Triage (M3): signs lead to departments that exist, and what is unknown leads nowhere."""

import pytest

from bot.rules.triage import DIRECTIONS, GENERAL, departments_for


@pytest.mark.parametrize(
    ("complaint", "departments"),
    [
        ("老是眨眼睛", ["眼科"]),
        ("流鼻血还咳嗽", ["耳鼻喉科", "小儿呼吸科"]),
        ("蛀牙疼", ["口腔科"]),
        ("肚子疼吐了两次", ["小儿消化科"]),
        ("走路有点内八", ["小儿骨科"]),
        ("发烧", ["小儿内科"]),
        ("不长个子", ["儿童保健"]),
        ("注意力不集中", ["心理咨询"]),
        ("就是怪怪的", []),
        ("", []),
    ],
)
def test_m3_signs_lead_to_departments(complaint: str, departments: list[str]) -> None:
    assert [d.department for d in departments_for(complaint)] == departments


def test_m3_at_most_two_and_the_general_one_last() -> None:
    found = departments_for("发烧咳嗽拉肚子起疹子眼睛红牙疼")
    assert len(found) == 2
    assert DIRECTIONS[-1].department == GENERAL
