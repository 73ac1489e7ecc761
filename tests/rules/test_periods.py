"""Spans of past days, on Monday, 2026-11-23."""

from datetime import date

import pytest

from bot.rules.periods import Period, read_period

TODAY = date(2026, 11, 23)


def span(text: str) -> tuple[str, str] | None:
    found = read_period(text, TODAY)
    return (found.first.isoformat(), found.last.isoformat()) if found else None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("上个月看了几次", "2026-10-01", "2026-10-31"),
        ("上月", "2026-10-01", "2026-10-31"),
        ("上上个月", "2026-09-01", "2026-09-30"),
        ("这个月花了多少", "2026-11-01", "2026-11-23"),
        ("今年一共花了多少", "2026-01-01", "2026-11-23"),
        ("去年看过几次", "2025-01-01", "2025-12-31"),
        ("2025年的", "2025-01-01", "2025-12-31"),
        ("最近三个月的门诊", "2026-08-23", "2026-11-23"),
        ("近3个月", "2026-08-23", "2026-11-23"),
        ("最近几个月", "2026-08-23", "2026-11-23"),
        ("过去半年", "2026-05-23", "2026-11-23"),
        ("过去一年女儿看了几次", "2025-11-23", "2026-11-23"),
        ("最近十二个月", "2025-11-23", "2026-11-23"),
        ("近两周", "2026-11-09", "2026-11-23"),
        ("最近7天", "2026-11-17", "2026-11-23"),
        ("9月份那次门诊", "2026-09-01", "2026-09-30"),
        ("十月", "2026-10-01", "2026-10-31"),
        ("十二月看的", "2025-12-01", "2025-12-31"),
        ("去年10月的", "2025-10-01", "2025-10-31"),
        ("上周看病的费用", "2026-11-16", "2026-11-22"),
        ("上个星期", "2026-11-16", "2026-11-22"),
        ("这周", "2026-11-23", "2026-11-23"),
        ("上半年", "2026-01-01", "2026-06-30"),
        ("去年下半年", "2025-07-01", "2025-12-31"),
        ("下半年", "2026-07-01", "2026-11-23"),
        ("国庆那会儿看的急诊", "2026-10-01", "2026-10-08"),
        ("暑假看了几次", "2026-07-01", "2026-08-31"),
        ("五一", "2026-05-01", "2026-05-05"),
    ],
)
def test_e2_spans_are_read(text: str, first: str, last: str) -> None:
    assert span(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    "就诊记录 昨天看的病 上周三那次 10月8号那次 上个月5号 星期五 2027年 三岁 第九次".split(),
)
def test_single_days_and_other_words_are_no_spans(text: str) -> None:
    assert span(text) is None


def test_the_second_half_that_has_not_begun_is_last_years() -> None:
    found = read_period("下半年", date(2026, 3, 1))
    assert found == Period(date(2025, 7, 1), date(2025, 12, 31))


def test_the_end_of_a_short_month_is_its_last_day() -> None:
    assert read_period("最近三个月", date(2026, 5, 31)) == Period(
        date(2026, 2, 28), date(2026, 5, 31)
    )


def test_both_ends_belong_to_a_span() -> None:
    october = Period(date(2026, 10, 1), date(2026, 10, 31))
    assert date(2026, 10, 1) in october
    assert date(2026, 10, 31) in october
    assert date(2026, 11, 1) not in october
