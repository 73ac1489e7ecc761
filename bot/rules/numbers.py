"""Numbers of bank cards and couriers: what can be one (手册·理赔流程 C2, C6)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CARD_LENGTHS = range(16, 20)
_ID_LENGTH = 18
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_SHOWN = 4

# Digits of a number may stand in groups.
_DIGITS = re.compile(r"(?<![A-Za-z0-9])\d(?:[ -]?\d){11,20}(?![0-9])")
_LONG = re.compile(r"(?<![A-Za-z0-9])\d(?:[ -]?\d){14,20}")
_BRANCH = re.compile(
    r"[一-鿿A-Za-z0-9（）()·]{0,24}?(?:银行|信用社|农信社|农商行|村镇行)"
    r"[一-鿿A-Za-z0-9（）()·]{0,30}"
)
_BRANCH_LEAD = re.compile(
    r"^(?:我的|这张|是|在|开户行|开户银行|支行|开户地|卡|的|为|：|:|,|，|\s)+"
)
_BRANCH_TAIL = re.compile(r"(?:开的|开户的?|的|办的|吧|哦|哈|呀|啊|谢谢)+$")
# "招商银行" alone names no branch.
_BRANCH_OF = re.compile(r"支行|分行|分理处|营业部|营业室|储蓄所|网点|总行|信用社|农信社")

_TRACKING = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{0,4}[ -]?\d(?:[ -]?\d){7,17}(?:[A-Za-z]{2})?(?![A-Za-z0-9])"
)
_PLAIN = range(10, 16)
_PHONE = re.compile(r"1[3-9]\d{9}")
_UPU = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}")
_SF = re.compile(r"SF\d{12,15}")
_PREFIXED = re.compile(r"[A-Z]{1,4}\d{9,18}")


class NoCard(StrEnum):
    """Why a row of digits is no bank card."""

    LENGTH = "length"
    CHECK = "check"
    ID_NUMBER = "id_number"


@dataclass(frozen=True)
class CardNumber:
    """A number given as a bank card's; ``wrong`` says why it cannot be one."""

    digits: str
    wrong: NoCard | None
    start: int
    end: int

    @property
    def tail(self) -> str:
        """The last four digits, all that is ever shown."""
        return self.digits[-_SHOWN:]


def passes_luhn(digits: str) -> bool:
    """Say whether the last digit is the check digit of those before it (手册·理赔流程 C6)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def find_card(text: str) -> CardNumber | None:
    """Return the bank card number that a message holds, right or wrong (手册·理赔流程 C6).

    A mobile number and what follows a courier's letters are none.
    """
    found = None
    for match in _DIGITS.finditer(text):
        digits = "".join(str(unicodedata.digit(sign)) for sign in match.group() if sign.isdigit())
        # An identity number may end in X.
        ends_in_x = is_id_number(digits + text[match.end() : match.end() + 1])
        wrong = NoCard.ID_NUMBER if ends_in_x else _wrong(digits)
        card = CardNumber(digits, wrong, *match.span())
        if card.wrong is None:
            return card
        found = found or card
    return found


def hide_numbers(text: str) -> str:
    """Return the text with all but the last four digits of bank card and identity numbers starred.

    Digits after a courier's letters stay. The length stays the same.
    """
    return _LONG.sub(_starred, text)


def _starred(match: re.Match[str]) -> str:
    left, signs = sum(map(str.isdigit, match.group())) - _SHOWN, []
    for sign in match.group():
        hidden = sign.isdigit() and left > 0
        left -= hidden
        signs.append("*" if hidden else sign)
    return "".join(signs)


def _wrong(digits: str) -> NoCard | None:
    if len(digits) not in CARD_LENGTHS:
        return NoCard.LENGTH
    if is_id_number(digits):
        return NoCard.ID_NUMBER
    sound = digits[0] != "0" and len(set(digits)) > 1 and passes_luhn(digits)
    return None if sound else NoCard.CHECK


def is_id_number(text: str) -> bool:
    """Say whether 18 signs are a resident's identity number, by its date and check digit."""
    if len(text) != _ID_LENGTH or not text[:-1].isdigit():
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:-1], _ID_WEIGHTS, strict=True))
    return text[-1].upper() == _ID_CHECKS[total % 11]


def find_branch(text: str) -> str | None:
    """Return the bank that a message names, with its branch where said (手册·理赔流程 C6)."""
    match = _BRANCH.search(unicodedata.normalize("NFKC", text))
    if match is None:
        return None
    name = _BRANCH_TAIL.sub("", _BRANCH_LEAD.sub("", match.group()))
    return name if len(name) >= 4 else None


def names_branch(bank: str) -> bool:
    """Say whether a bank's name says which branch (手册·理赔流程 C6)."""
    return _BRANCH_OF.search(bank) is not None


def find_tracking(text: str) -> str | None:
    """Return the courier number that a message holds, in capitals (手册·理赔流程 C2).

    A number of letters and digits as the couriers here give them, or 10 to 15 digits alone; a
    mobile number, a bank card and one digit over and over are none.
    """
    for match in _TRACKING.finditer(unicodedata.normalize("NFKC", text)):
        number = re.sub(r"[ -]", "", match.group()).upper()
        if is_tracking(number):
            return number
    return None


def is_tracking(number: str) -> bool:
    """Say whether this can be a courier's number; see :func:`find_tracking` (手册·理赔流程 C2)."""
    digits = re.sub(r"\D", "", number)
    if len(set(digits)) < 3 or _PHONE.fullmatch(number):
        return False
    if number.startswith("SF"):
        return _SF.fullmatch(number) is not None
    if number.isdigit():
        return len(number) in _PLAIN
    return bool(_UPU.fullmatch(number) or _PREFIXED.fullmatch(number))
