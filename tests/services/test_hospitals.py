"""Hospitals by what parents call them."""

from __future__ import annotations

import pytest

from bot.services.errors import NotFound
from bot.services.hospitals import (
    HospitalView,
    hospital,
    hospitals,
    match_department,
    match_hospital,
    search,
)
from bot.store.session import Store

FUDAN = "复旦大学附属儿科医院国际部特需门诊"
XINHUA = "上海新华医院镜朗高级专家诊疗部"
CENTER = "上海儿童医学中心国际诊疗部"
HEQING = "示范和晴儿科诊所（徐汇）"
FIRST = "示范市第一人民医院"


@pytest.fixture
def known(store: Store) -> list[HospitalView]:
    return hospitals(store)


def test_the_directory_holds_all_or_one_kind(store: Store) -> None:
    assert len(hospitals(store)) == 7
    assert [h.name for h in hospitals(store, kind="public_special")] == [FUDAN, XINHUA, CENTER]
    assert len(hospitals(store, kind="network_clinic")) == 3
    assert hospitals(store, kind="nonsense") == []


def test_a_hospital_is_told_with_all_that_a_parent_needs(store: Store) -> None:
    seen = hospital(store, FUDAN)
    assert (seen.kind, seen.city, seen.onsite_assistance) == ("public_special", "上海", True)
    assert seen.departments == ("小儿内科", "小儿呼吸科", "小儿消化科", "小儿皮肤科", "眼科")
    assert seen.names == (FUDAN, "复旦儿科", "儿科医院国际部", "复旦儿科医院")
    assert all((seen.address, seen.hours, seen.phone, seen.introduction))


@pytest.mark.parametrize("name", ["复旦儿科", "", "没有这家医院"])
def test_only_the_full_name_is_the_key(store: Store, name: str) -> None:
    with pytest.raises(NotFound):
        hospital(store, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FUDAN, FUDAN),
        ("想约复旦儿科", FUDAN),
        ("新华医院的耳鼻喉科", XINHUA),
        ("儿中心下周三", CENTER),
        ("青禾在哪里", "示范青禾儿童门诊部（浦东）"),
        ("北京和晴", "示范和晴儿科诊所（北京朝阳）"),
        ("去和晴诊所打疫苗", HEQING),
        ("市一医院", FIRST),
    ],
)
def test_names_and_aliases_are_found_in_a_sentence(
    known: list[HospitalView], text: str, name: str
) -> None:
    match = match_hospital(text, known)
    assert match is not None
    assert match.value == name
    assert text[match.start : match.end] in hospital_names(known, name)


def hospital_names(known: list[HospitalView], name: str) -> tuple[str, ...]:
    return next(h.names for h in known if h.name == name)


@pytest.mark.parametrize(
    ("text", "name"), [("富旦儿科", FUDAN), ("新化医院", XINHUA), ("我要约复旦儿课谢谢", FUDAN)]
)
def test_homophones_are_forgiven(known: list[HospitalView], text: str, name: str) -> None:
    match = match_hospital(text, known)
    assert match is not None
    assert match.value == name


@pytest.mark.parametrize("text", ["", "你好", "华山医院", "协和医院", "孩子发烧了怎么办", "一二三"])
def test_other_hospitals_and_small_talk_are_no_match(known: list[HospitalView], text: str) -> None:
    assert match_hospital(text, known) is None


@pytest.mark.parametrize(
    ("text", "department"),
    [
        ("挂小儿呼吸科", "小儿呼吸科"),
        ("呼吸科", "小儿呼吸科"),
        ("看眼科", "眼科"),
        ("儿科就行", "小儿内科"),
        ("皮肤科吧", "小儿皮肤科"),
    ],
)
def test_departments_are_found_by_their_short_names(
    store: Store, text: str, department: str
) -> None:
    match = match_department(text, hospital(store, FUDAN).departments)
    assert match is not None
    assert match.value == department


@pytest.mark.parametrize("text", ["", "骨科", "随便", "外科"])
def test_a_department_that_is_not_there_is_no_match(store: Store, text: str) -> None:
    assert match_department(text, hospital(store, FUDAN).departments) is None


def test_the_ordinary_hospitals_own_children_department_is_itself(store: Store) -> None:
    match = match_department("儿科", hospital(store, FIRST).departments)
    assert match is not None
    assert match.value == "儿科"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("复旦吧", FUDAN),
        ("换新华", XINHUA),
        ("北京的和晴诊所", "示范和晴儿科诊所（北京朝阳）"),
        ("徐汇的和晴", HEQING),
    ],
)
def test_short_names_and_the_brands_clinic_of_a_city(
    known: list[HospitalView], text: str, name: str
) -> None:
    match = match_hospital(text, known)
    assert match is not None
    assert match.value == name


@pytest.mark.parametrize(
    ("text", "department"),
    [("看牙", "口腔科"), ("鼻子不通气", "耳鼻喉科"), ("耳鼻喉", "耳鼻喉科"), ("口枪科", "口腔科")],
)
def test_departments_in_everyday_words_and_homophones(
    store: Store, text: str, department: str
) -> None:
    match = match_department(text, hospital(store, XINHUA).departments)
    assert match is not None
    assert match.value == department


@pytest.mark.parametrize(
    ("text", "kinds", "names", "missing"),
    [
        ("哪家看牙", [], [XINHUA, "示范青禾儿童门诊部（浦东）"], None),
        ("北京有吗", [], ["示范和晴儿科诊所（北京朝阳）"], None),
        ("徐汇的诊所", ["network_clinic"], [HEQING], None),
        ("苏州的骨科", [], [CENTER], "苏州"),
        ("宝山的骨科", [], [CENTER], "宝山"),
        ("北京的特需", ["public_special"], [], None),
    ],
)
def test_a_search_by_place_department_and_kind(
    known: list[HospitalView], text: str, kinds: list[str], names: list[str], missing: str | None
) -> None:
    found = search(text, known, kinds)
    assert ([h.name for h in found.places], found.missing) == (names, missing)
