"""Which hospital a claim is for, in parents' words."""

from __future__ import annotations

import pytest

from bot.services.hospitals import hospitals
from bot.services.places import place_named
from bot.store.session import Store

NETWORK = "network_clinic"


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("一院", "示范市第一人民医院", "public"),
        ("示范是第一人民医院", "示范市第一人民医院", "public"),
        ("儿中心", "上海儿童医学中心国际诊疗部", "public_special"),
        ("新华医院特需", "上海新华医院镜朗高级专家诊疗部", "public_special"),
        ("在北京和晴看的", "示范和晴儿科诊所（北京朝阳）", NETWORK),
        ("青和儿童", "示范青禾儿童门诊部（浦东）", NETWORK),
        # As said: the whole hospital, and names that are merely close to a listed one.
        ("新华医院", "新华医院", None),
        ("市六医院", "市六医院", None),
        ("上海市第一人民医院", "上海市第一人民医院", None),
        ("常州市一医院", "常州市一医院", None),
        ("上周五带孩子去上海市儿童医院看门诊花了300", "上海市儿童医院", None),
        ("医院写错了，是瑞金医院", "瑞金医院", None),
        ("不是瑞金医院，是中山医院徐汇院区", "中山医院徐汇院区", None),
        ("不是在和晴诊所，是在瑞金医院", "瑞金医院", None),
        ("徐家汇街道社区卫生服务中心", "徐家汇街道社区卫生服务中心", None),
        ("京东互联网医院", "京东互联网医院", None),
        ("at Shanghai Children's Hospital", "Shanghai Children's Hospital", None),
    ],
)
def test_a_place_is_found(store: Store, text: str, name: str, kind: str | None) -> None:
    place = place_named(text, hospitals(store))
    assert place is not None
    assert (place.name, place.kind) == (name, kind)


@pytest.mark.parametrize("text", ["公立医院", "去医院看的", "互联网医院复诊开的药", "那家私立诊所"])
def test_a_type_is_no_name(store: Store, text: str) -> None:
    place = place_named(text, hospitals(store))
    assert place is not None
    assert place.name is None


@pytest.mark.parametrize("text", ["我要理赔", "", "上周三", "不是瑞金医院"])
def test_no_place_is_made_up(store: Store, text: str) -> None:
    assert place_named(text, hospitals(store)) is None


def test_what_is_something_else_is_no_part_of_the_name(store: Store) -> None:
    text = "11月3日长海医院"
    place = place_named(text, hospitals(store), [(0, 5)])
    assert place is not None
    assert place.name == "长海医院"
    assert text[place.start : place.end] == "长海医院"
