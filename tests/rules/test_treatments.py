"""What words say of a planned treatment (P2)."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.amounts import find_amounts
from bot.rules.authorizations import Ground, Setting, Therapy, needs_authorization
from bot.rules.treatments import Said, SaidAmount, Treatment, read_treatment


def read(text: str) -> Treatment:
    return read_treatment(text, [SaidAmount(a.value, a.start, a.end) for a in find_amounts(text)])


def grounds(text: str) -> set[Ground]:
    return set(needs_authorization(read(text).case).grounds)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("雾化器要不要授权", Ground.DURABLE_EQUIPMENT),
        ("租个制氧机要先申请吗", Ground.DURABLE_EQUIPMENT),
        ("住院", Ground.INPATIENT_STAY),
        ("要住三天院", Ground.INPATIENT_STAY),
        ("化疗", Ground.THERAPY),
        ("腹膜透析", Ground.THERAPY),
        ("肿瘤内分泌治疗", Ground.THERAPY),
        ("做个斜视矫正手术", Ground.SURGERY),
        ("割扁桃体", Ground.SURGERY),
        ("打钢钉", Ground.SURGERY),
        ("这次是大型检查", Ground.LARGE_EXAMINATION),
        ("6000块的检查", Ground.SINGLE_ITEM_AMOUNT),
        ("一针两万多的药", Ground.SINGLE_ITEM_AMOUNT),
        ("五千多的检查", Ground.SINGLE_ITEM_AMOUNT),
        ("单项超过5000元要吗", Ground.SINGLE_ITEM_AMOUNT),
        ("全年累计要四万元", Ground.PERIOD_TOTAL),
        ("已经花了两万八了，这次还要一万", Ground.PERIOD_TOTAL),
        ("费用估计三万多", Ground.PERIOD_TOTAL),
    ],
)
def test_p2_what_the_manual_lists(text: str, ground: Ground) -> None:
    assert ground in grounds(text)


def test_p2_a_tooth_pulled_asleep_is_surgery_asleep() -> None:
    assert grounds("门诊全麻拔牙") == {Ground.SURGERY, Ground.OUTPATIENT_GENERAL_ANAESTHESIA}
    assert read("门诊全麻拔牙").case.setting is Setting.OUTPATIENT


@pytest.mark.parametrize(
    "text",
    [
        "拔牙",
        "核磁共振",
        "全麻胃镜",
        "免疫治疗",
        "生长激素一个月六千",
        "核磁加造影总价五千二，单看核磁只有三千",
        "累计快三万了",
        "5000块整的检查",
        "累计刚好3万块",
        "",
    ],
)
def test_p2_what_the_manual_leaves_open_stays_open(text: str) -> None:
    need = needs_authorization(read(text).case)
    assert (need.required, need.grounds) == (None, ())
    assert not read(text).ordinary


@pytest.mark.parametrize("text", ["普通感冒门诊", "拍个片子", "输液", "打石膏换石膏", "做雾化"])
def test_p2_everyday_care_is_not_listed(text: str) -> None:
    said = read(text)
    assert said.ordinary
    assert not said.undefined
    assert needs_authorization(said.case).grounds == ()


def test_p2_everyday_care_above_the_threshold_is() -> None:
    assert grounds("验血要五千二百块") == {Ground.SINGLE_ITEM_AMOUNT}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("不住院就打个石膏", {Said.ORDINARY}),
        ("不是手术，就验血", {Said.ORDINARY}),
        ("要不要住院", {Said.INPATIENT}),
        ("睡眠监测要过一夜，算住院吗", {Said.EXAMINATION}),
        ("不用全麻，拔牙", {Said.UNDEFINED}),
    ],
)
def test_what_is_denied_or_asked_is_no_fact(text: str, kinds: set[Said]) -> None:
    assert read(text).kinds == kinds


def test_therapies_are_told_apart() -> None:
    said = read("先化疗再放疗，也可能做质子治疗")
    assert said.case.therapies == {
        Therapy.CHEMOTHERAPY,
        Therapy.RADIOTHERAPY,
        Therapy.PROTON_HEAVY_ION,
    }
    assert read("pd-1").case.therapies == {Therapy.TUMOUR_IMMUNOTHERAPY}


def test_the_words_are_the_parents_own() -> None:
    assert read("下周做腺样体手术，要住院").words == ("腺样体手术", "住院")
    assert read("照MRI").words == ("MRI",)


@given(st.integers(1, 99_999))
def test_p2_a_price_passes_the_threshold_and_does_not_meet_it(yuan: int) -> None:
    assert (Ground.SINGLE_ITEM_AMOUNT in grounds(f"做一个{yuan}元的检查")) is (yuan > 5000)
    assert (Ground.PERIOD_TOTAL in grounds(f"今年一共{yuan}元")) is (yuan > 30000)


@given(st.text(alphabet="不用要住院手术全麻授权吗，检查5000元多一共累计", max_size=30))
def test_any_text_is_read(text: str) -> None:
    said = read(text)
    assert all(re.search(re.escape(word), text) for word in said.words)
    assert said.case.single_item_amount is None or said.case.single_item_amount > Decimal(0)
