"""Names and numbers (E1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import identity

phones = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
FULL_WIDTH = {
    ord(digit): chr(ord("\N{FULLWIDTH DIGIT ZERO}") + int(digit)) for digit in "0123456789"
}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("王小满", "王小满"),
        (" 王 小 满\u3000", "王小满"),
        ("王\u200b小满\ufe0f", "王小满"),
        ("王小满\n", "王小满"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽 . 买买提", "阿依古丽·买买提"),
        ("Ｔｏｍ  Wang", "Tom Wang"),
        ("Anna-Lena O'Neil Jr.", "Anna-Lena O'Neil Jr."),
        ("Tom 王", "Tom王"),
        ("𠮷小满", "𠮷小满"),
    ],
)
def test_e1_name_in_its_one_form(typed: str, name: str) -> None:
    assert identity.normalise_child_name(typed) == name


@pytest.mark.parametrize("typed", ["", " \u3000", "\u200b", "王" * 65])
def test_e1_no_name_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        identity.normalise_child_name(typed)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("王小满", "王 小满", True),
        ("TOM WANG", "Tom Wang", True),
        ("王小满", "王晓满", False),
        ("王小满", "王小", False),
    ],
)
def test_e1_name_exactly_as_insured(one: str, other: str, same: bool) -> None:
    assert identity.same_child_name(one, other) is same


@given(st.text(min_size=1, max_size=30))
def test_e1_a_normal_name_stays_as_it_is(text: str) -> None:
    try:
        once = identity.normalise_child_name(text)
    except ValueError:
        return
    assert identity.normalise_child_name(once) == once


@pytest.mark.parametrize(
    "typed",
    [
        "13800000101",
        "+8613800000101",
        "+86 138 0000 0101",
        "0086-138-0000-0101",
        "8613800000101",
        "(+86) 13800000101",
        "１３８０００００１０１",
        "＋８６　138\u00a00000\u20110101",
        "\u202a13800000101\u202c",
    ],
)
def test_e1_phone_is_read(typed: str) -> None:
    assert identity.normalise_phone(typed) == "13800000101"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1380000010",
        "138000001011",
        "12800000101",
        "021-80209058",
        "+85213800000101",
        "+861380000010",
        "1380000010a",
        "١٣٨٠٠٠٠٠١٠١",
        "13800000101 13800000102",
    ],
)
def test_e1_what_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="mobile"):
        identity.normalise_phone(typed)


@given(phones, st.sampled_from(["", "+86", "86", "0086", "+86 "]))
def test_e1_every_mobile_number_is_read_however_written(phone: str, prefix: str) -> None:
    assert identity.normalise_phone(prefix + phone) == phone
    assert identity.normalise_phone(phone.translate(FULL_WIDTH)) == phone
    assert identity.normalise_phone(f"{phone[:3]} {phone[3:7]}-{phone[7:]}") == phone


def test_e1_phone_is_masked() -> None:
    assert identity.mask_phone("+86 138 0000 0101") == "138****0101"


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("YX2026-000101", "YX****-**0101"),
        (" YX2026-000101 ", "YX****-**0101"),
        ("12345678", "******78"),
        ("12", "*2"),
        ("1", "*"),
        ("", ""),
    ],
)
def test_e1_policy_number_is_masked(number: str, masked: str) -> None:
    assert identity.mask_policy_number(number) == masked


@given(st.from_regex(r"[A-Z0-9]{2,20}", fullmatch=True))
def test_e1_a_masked_number_hides_at_least_a_third(number: str) -> None:
    masked = identity.mask_policy_number(number)
    assert len(masked) == len(number)
    assert masked.count("*") * 3 >= len(number)
