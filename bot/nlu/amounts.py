"""Amounts of money in yuan as parents write them: 一千二, 1.2万, 128块5, ¥1,580.00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "幺": 1,
    "壹": 1,
    "贰": 2,
    "叁": 3,
    "肆": 4,
    "伍": 5,
    "陆": 6,
    "柒": 7,
    "捌": 8,
    "玖": 9,
}
_UNITS = {
    "十": 10,
    "拾": 10,
    "百": 100,
    "佰": 100,
    "千": 1000,
    "仟": 1000,
    "万": 10_000,
    "w": 10_000,
    "k": 1000,
}
_CN = "零〇一二两三四五六七八九十百千万壹贰叁肆伍陆柒捌玖拾佰仟"
_NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?|\d+(?:\.\d{{1,2}})?(?:[万千百wk]\d?)?|[{_CN}]+(?:点[{_CN}]{{1,2}}万)?)"
_LUMP = r"(?:元|块钱|块|圆|人民币|大洋|软妹币|rmb|cny|yuan)"
_TAIL = rf"(?:[\d{_CN}](?:毛|角)?[\d{_CN}]?分?)?"
# What may come before a bare number to make it money.
_SPENT = (
    r"(?:花了|花掉|花费|用了|用掉|共计|总共|一共|合计|总计|共|总额|总金额|金额|费用|付了|交了|付的|缴了|"
    r"自费|账单|发票|票面|报销|垫了|垫付了?|收了|扣了|押金|医药费|医疗费|诊费|药费|实付|价格|价钱|total|cost|paid|spent)"
)
# After a number these make it something else than money.
_NOT_MONEY = (
    r"(?![\d:/%°年月日号点分时天周岁次人个名位张份针剂支盒瓶粒片袋颗毫升克斤米厘公里层楼室单床栋路街弄度后前内比倍"
    r"种项条页步级期家所ml]|小时|钟头|多[年月日天周岁次人个名位张份针]|-\d|\.\d)"
)

_PREFIXED = re.compile(rf"(?:¥|rmb|cny)\s*:?\s*(?P<n>{_NUMBER})(?:{_LUMP})?", re.I)
_UNIT = re.compile(
    rf"(?<![\d.])(?P<n>{_NUMBER})(?P<m>多|来|几)?\s?(?P<u>{_LUMP})(?P<t>{_TAIL})", re.I
)
_CONTEXT = re.compile(
    rf"{_SPENT}\s?(?:是|为|了|大概|大约|约|差不多|快|有|:|,|将近|近)*\s?(?P<n>{_NUMBER})(?:多|左右)?{_NOT_MONEY}",
    re.I,
)
_LARGE = re.compile(
    rf"(?<![\d.{_CN}第])(?P<n>\d+(?:\.\d{{1,2}})?[万千wk]\d?|[{_CN}]*[一二两三四五六七八九壹贰叁肆伍陆柒捌玖][千万仟][{_CN}]*|"
    rf"[一二两三四五六七八九]百[一二三四五六七八九]|\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?|\d{{2,}}\.\d{{2}})(?:多|左右)?{_NOT_MONEY}",
    re.I,
)
# 一块 is also "together" and "a patch of".
_NO_LUMP = re.compile(r"^[一两二三四五六七八九几十]块(?![钱\d零一二两三四五六七八九毛,。!?]|$)")
_GUARDED = re.compile(r"(?:千万(?!元|块)|万一|百分之|十万火急|一千零一夜|万分|百日|千克|万岁|百度)")


@dataclass(frozen=True)
class Amount:
    """An amount in yuan and where it stands in the text that was read."""

    value: Decimal
    start: int
    end: int


def find_amounts(text: str) -> list[Amount]:
    """Find the amounts of money in a normalised text.

    Args:
        text: Normalised text (see :func:`bot.nlu.normalise.normalise`).

    Returns:
        The amounts in yuan in the order of the text. Dates, phones, ages and counts are none.
    """
    found: list[Amount] = []
    blocked = [match.span() for match in _GUARDED.finditer(text)]
    for pattern in (_PREFIXED, _UNIT, _CONTEXT, _LARGE):
        for match in pattern.finditer(text):
            start, end = match.span() if pattern in (_PREFIXED, _UNIT) else match.span("n")
            if any(start < b and a < end for a, b in blocked):
                continue
            if any(start < other.end and other.start < end for other in found):
                continue
            value = _value(match, pattern)
            if value is not None and value > 0:
                found.append(Amount(value, start, end))
    return sorted(found, key=lambda amount: amount.start)


def _value(match: re.Match[str], pattern: re.Pattern[str]) -> Decimal | None:
    if pattern is _UNIT and _NO_LUMP.match(match.string[match.start() :]):
        return None
    number = parse_number(match.group("n"))
    if number is None:
        return None
    if pattern is _UNIT and match.group("t"):
        number += _small_change(match.group("t"))
    # A phone or a serial number is never an amount.
    return number if number < Decimal(100_000_000) else None


def _small_change(tail: str) -> Decimal:
    digits = [int(_DIGITS.get(char, char)) for char in tail if char.isdigit() or char in _DIGITS]
    if not digits:
        return Decimal(0)
    if "分" in tail and "毛" not in tail and "角" not in tail and len(digits) == 1:
        return Decimal(digits[0]) / 100
    cents = digits[1] if len(digits) > 1 else 0
    return Decimal(digits[0]) / 10 + Decimal(cents) / 100


def parse_number(said: str) -> Decimal | None:
    """Return the number that digits, Chinese numerals or a mixture say; None if they say none.

    一千二 is 1200 and 1万2 is 12000: a last digit counts in the next smaller unit.
    """
    said = said.lower().replace(",", "")
    plain = re.fullmatch(r"(\d+(?:\.\d+)?)([万千百wk]?)(\d?)", said)
    if plain:
        unit = _UNITS.get(plain.group(2), 1)
        number = Decimal(plain.group(1)) * unit
        return number + int(plain.group(3) or 0) * unit // 10
    point = re.fullmatch(rf"([{_CN}]+)点([{_CN}]{{1,2}})万", said)
    if point:
        whole = parse_number(point.group(1))
        tail = [_DIGITS.get(char) for char in point.group(2)]
        if whole is None or None in tail:
            return None
        return (whole + Decimal("0." + "".join(str(digit) for digit in tail))) * 10_000
    return _chinese(said)


def _chinese(said: str) -> Decimal | None:
    if not any(char in _UNITS for char in said):
        if len(said) != 1 or said not in _DIGITS:
            return None
        return Decimal(_DIGITS[said])
    total, section, digit, unit, zero = 0, 0, None, 1, False
    for char in said:
        if char in _DIGITS:
            if digit is not None and _DIGITS[char] != 0 and digit != 0:
                return None
            digit = _DIGITS[char]
            zero = zero or digit == 0
            continue
        unit = _UNITS[char]
        if unit == 10_000:
            total = (total + section + (digit or 0)) * unit
            section = 0
        else:
            section += (1 if digit is None or digit == 0 else digit) * unit
        digit, zero = None, False
    last = digit or 0
    # 一百二 is 120 but 一百零二 is 102; 十二 is 12.
    step = unit // 10 if unit >= 100 and not zero and last else 1
    return Decimal(total + section + last * step)
