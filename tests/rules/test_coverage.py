"""Items that parents ask to be paid for: what the manual states, and where it is silent."""

import pytest

from bot.rules.coverage import ITEMS, find_item
from bot.rules.index import RULES


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("牙科保不保", "dental"),
        ("拔牙手术能报吗", "dental"),
        ("近视配镜报不报", "optical"),
        ("OK镜能报吗", "optical"),
        ("住院床位费", "bed"),
        ("住院陪护费报吗", "companion"),
        ("救护车的钱给报吗", "ambulance"),
        ("小儿推拿保不保", "chinese_medicine"),
        ("先天性心脏病手术", "congenital"),
        ("过敏原检测能报吗", "allergy_test"),
        ("等待期多久", "deductible"),
        ("雾化器能报吗", "equipment"),
        ("化疗保吗", "serious_treatment"),
        ("做个CT报不报", "large_examination"),
        ("核磁能报吗", "large_examination"),
        ("割包皮赔不赔", "surgery"),
        ("心理咨询能报吗", "counselling"),
        ("流感疫苗能报吗", "vaccine"),
        ("入园体检报不报", "health_checks"),
        ("互联网医院开的药报吗", "internet"),
        ("住院报不报", "inpatient"),
        ("急诊能报吗", "outpatient"),
        ("哪些不赔", "excluded"),
        ("国外看病报吗", "abroad"),
    ],
)
def test_e2_items_are_found_the_particular_before_the_general(text: str, name: str) -> None:
    found = find_item(text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("text", ["保障范围", "我的计划保什么", "scatter", ""])
def test_what_names_no_item_has_none(text: str) -> None:
    assert find_item(text) is None


def test_e2_what_is_stated_names_its_source_and_what_is_silent_has_none() -> None:
    assert len({item.name for item in ITEMS}) == len(ITEMS)
    for item in ITEMS:
        assert item.stated is bool(item.section) is bool(item.rules)
        for rule in item.rules:
            assert rule in RULES
        if item.section:
            assert item.section in {RULES[rule].section for rule in item.rules}
