"""The date reader, construction by construction, seen from Wednesday 18 November 2026, 10:00."""

import subprocess
import sys
from datetime import UTC, date, datetime, time
from statistics import median
from time import perf_counter

import pytest

from bot.nlu.dates import TZ, Flag, direction, resolve, resolve_all

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=TZ)


def day(text: str, **kwargs: str) -> str | None:
    """Return the date that ``text`` gives, as written in the tables below."""
    found = resolve(text, NOW, **kwargs)  # type: ignore[arg-type]
    return found.date.isoformat() if found and found.date else None


def clock(text: str) -> str | None:
    """Return the clock that ``text`` gives."""
    found = resolve(text, NOW)
    return found.time.strftime("%H:%M") if found and found.time else None


DAYS = {
    "relative days": {
        "明儿带娃去": "2026-11-19",
        "后天": "2026-11-20",
        "大后天": "2026-11-21",
        "大前天": "2026-11-15",
        "听日得唔得": "2026-11-19",
        "今晚": "2026-11-18",
    },
    "weeks run from Monday": {
        "下礼拜三": "2026-11-25",
        "这周六": "2026-11-21",
        "下下周一": "2026-11-30",
        "本周一": "2026-11-16",
        "上周日": "2026-11-15",
        "下周的周二": "2026-11-24",
        "下周 4": "2026-11-26",
        "下里拜三": "2026-11-25",
        "两周后的周三": "2026-12-02",
    },
    "a weekday alone is the next one": {
        "周四": "2026-11-19",
        "周三": "2026-11-25",
        "看一下周五的号": "2026-11-20",
        "早上周六": "2026-11-21",
    },
    "days of a month": {
        "25号": "2026-11-25",
        "18号": "2026-11-18",
        "3号": "2026-12-03",
        "31号": "2026-12-31",
        "下个月5号": "2026-12-05",
        "下下月12": "2027-01-12",
        "上个月二十号": "2026-10-20",
        "三个月后的5号": "2027-02-05",
    },
    "month and day": {
        "十二月三号下午两点半": "2026-12-03",
        "12.5号": "2026-12-05",
        "12/8": "2026-12-08",
        "1月6号": "2027-01-06",
        "2月29号": "2028-02-29",
        "元月五号": "2027-01-05",
        "１２月５日": "2026-12-05",
        "十二月二十八": "2026-12-28",
    },
    "with a year": {
        "2026年12月1日": "2026-12-01",
        "二〇二七年一月十二号": "2027-01-12",
        "26年12月9号": "2026-12-09",
        "2026/12/02": "2026-12-02",
        "20261220": "2026-12-20",
        "明年3月2号": "2027-03-02",
        "去年12月28号": "2025-12-28",
        "98年10月3号": "1998-10-03",
    },
    "month ends and counted weekdays": {
        "月底": "2026-11-30",
        "下个月底": "2026-12-31",
        "2月底": "2027-02-28",
        "这个月最后一天": "2026-11-30",
        "下个月第一个周六": "2026-12-05",
        "11月的最后一个周五": "2026-11-27",
    },
    "counted from now": {
        "三天后": "2026-11-21",
        "两周后": "2026-12-02",
        "一个月后": "2026-12-18",
        "半个月后": "2026-12-03",
        "半年后": "2027-05-18",
        "五天前": "2026-11-13",
        "再过三天": "2026-11-21",
        "1天2小时后": "2026-11-19",
    },
    "holidays": {
        "国庆": "2027-10-01",
        "元旦": "2027-01-01",
        "母亲节": "2027-05-09",
        "清明": "2027-04-05",
        "国庆第三天": "2027-10-03",
        "元旦前一天": "2026-12-31",
        "去年国庆": "2025-10-01",
    },
    "the Chinese calendar": {
        "春节": "2027-02-06",
        "除夕": "2027-02-05",
        "中秋节": "2027-09-15",
        "农历八月十五": "2027-09-15",
        "腊月廿三": "2027-01-30",
        "正月十五": "2027-02-20",
        "大年初三": "2027-02-08",
        "2025年闰六月初三": "2025-07-27",
    },
    "Traditional characters": {
        "下禮拜三": "2026-11-25",
        "這週六": "2026-11-21",
        "後天": "2026-11-20",
        "兩個月後": "2027-01-18",
        "農曆臘月初八": "2027-01-15",
        "十二月三號": "2026-12-03",
    },
    "no Chinese at all": {
        "2026-12-03T09:30": "2026-12-03",
        "tomorrow afternoon": "2026-11-19",
        "next Friday": "2026-11-27",
        "this Friday": "2026-11-20",
        "Dec 3": "2026-12-03",
        "Nov 18": "2026-11-18",
        "3rd of December 2027": "2027-12-03",
        "in two weeks": "2026-12-02",
        "3 days ago": "2026-11-15",
    },
}


@pytest.mark.parametrize(
    ("text", "expected"), [pair for group in DAYS.values() for pair in group.items()]
)
def test_reads_the_day(text: str, expected: str) -> None:
    assert day(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("明天下午三点半", "15:30"),
        ("明天下午3点15", "15:15"),
        ("明天三点一刻", "15:15"),
        ("明天差五分九点", "08:55"),
        ("明天晚上七点四十五", "19:45"),
        ("明天中午一点", "13:00"),
        ("明天中午12点", "12:00"),
        ("明天凌晨三点", "03:00"),
        ("明天早上8点39度2", "08:00"),
        ("明天14：30", "14:30"),
        ("明天05:00", "05:00"),
        ("下午3点明天", "15:00"),
        ("明天想带孩子看看,下午两点", "14:00"),
        ("下午3点到5点,明天", "15:00"),
        ("明天3pm", "15:00"),
        ("tomorrow at 3", "15:00"),
        ("半小时后", "10:30"),
        ("一个半小时后", "11:30"),
        ("明天晚一点", None),
        ("明天上午", None),
    ],
)
def test_reads_the_clock(text: str, expected: str | None) -> None:
    assert clock(text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "guessed"),
    [
        ("明天一点", "13:00", True),
        ("明天6点", "18:00", True),
        ("明天7点", "07:00", True),
        ("明天12点", "12:00", True),
        ("明天下午1点", "13:00", False),
        ("明天13点", "13:00", False),
    ],
)
def test_clinic_reading_of_a_clock_without_a_day_part(
    text: str, expected: str, guessed: bool
) -> None:
    found = resolve(text, NOW)
    assert found is not None
    assert found.time == time.fromisoformat(expected)
    assert (Flag.HALF_DAY_GUESSED in found.flags) is guessed


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("明天一早", "morning"),
        ("明天中午", "noon"),
        ("周六下午", "afternoon"),
        ("7号晚", "evening"),
        ("后天凌晨", "dawn"),
    ],
)
def test_a_day_part_alone_gives_no_clock(text: str, part: str) -> None:
    found = resolve(text, NOW)
    assert found is not None
    assert (found.time, found.part, found.grain) == (None, part, "part")


def test_twelve_at_night_is_the_start_of_the_next_day() -> None:
    found = resolve("今晚12点", NOW)
    assert found is not None
    assert (found.date, found.time) == (date(2026, 11, 19), time(0))


def test_a_clock_alone_has_no_date() -> None:
    found = resolve("下午三点吧", NOW)
    assert found is not None
    assert (found.date, found.time, found.grain) == (None, time(15), "minute")


def test_a_weekday_said_on_that_weekday_is_flagged() -> None:
    said_today, other, led = (resolve(text, NOW) for text in ("周三", "周四", "下周三"))
    assert said_today is not None
    assert "weekday_said_on_that_weekday" in said_today.flags
    assert other is not None
    assert led is not None
    assert not other.flags | led.flags


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("10号之前", Flag.BEFORE),
        ("12月3号以后", Flag.AFTER),
        ("12月3号左右", Flag.APPROXIMATE),
        ("12月3-5号", Flag.RANGE),
        ("12月3号到12月5号", Flag.RANGE),
        ("后天(周六)", Flag.WEEKDAY_MISMATCH),
        ("下午25点", Flag.IMPOSSIBLE_TIME),
        ("腊月初八", Flag.LUNAR),
    ],
)
def test_what_is_open_or_odd_is_flagged(text: str, flag: Flag) -> None:
    found = resolve(text, NOW)
    assert found is not None
    assert flag in found.flags


@pytest.mark.parametrize(
    ("text", "future", "past"),
    [
        ("周三", "2026-11-25", "2026-11-11"),
        ("20号", "2026-11-20", "2026-10-20"),
        ("12月3号", "2026-12-03", "2025-12-03"),
        ("12/3", "2026-12-03", "2025-12-03"),
        ("国庆", "2027-10-01", "2026-10-01"),
        ("月底", "2026-11-30", "2026-10-31"),
        ("农历八月十五", "2027-09-15", "2026-09-25"),
        ("Dec 3", "2026-12-03", "2025-12-03"),
        ("31号", "2026-12-31", "2026-10-31"),
    ],
)
def test_the_caller_says_the_direction(text: str, future: str, past: str) -> None:
    assert (day(text, prefer="future"), day(text, prefer="past")) == (future, past)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("周四不行,周五吧", "2026-11-20"),
        ("把周四的号改到周六", "2026-11-21"),
        ("不是20号,是21号", "2026-11-21"),
        ("原来约的25号,想改成27号", "2026-11-27"),
        ("今天发烧了,想约后天", "2026-11-20"),
        ("昨天烧到38.5,明天想去", "2026-11-19"),
        ("今天或者明天都行", "2026-11-18"),
    ],
)
def test_of_several_days_the_wanted_one(text: str, expected: str) -> None:
    assert day(text) == expected


def test_a_day_said_twice_is_one() -> None:
    assert len(resolve_all("12月3日(周四)上午十点", NOW)) == 1


def test_all_dates_from_left_to_right() -> None:
    found = resolve_all("周四下午两点或者下周一上午", NOW)
    assert [(one.date, one.time, one.part) for one in found] == [
        (date(2026, 11, 19), time(14), "afternoon"),
        (date(2026, 11, 23), None, "morning"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3号打的疫苗", "past"),
        ("周一已经看过了", "past"),
        ("12号想把疫苗打了", "future"),
        ("发烧了,20号能看吗", "future"),
        ("你好", "future"),
    ],
)
def test_direction_that_the_text_itself_shows(text: str, expected: str) -> None:
    assert direction(text, NOW) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("😭想约１２月５號下午兩點可以嗎", "１２月５號下午兩點"),
        ("那就  下禮拜三 上午 吧", "下禮拜三 上午"),
        ("book next Friday please", "next Friday"),
    ],
)
def test_span_and_text_are_those_of_the_original(text: str, said: str) -> None:
    found = resolve(text, NOW)
    assert found is not None
    assert found.text == said
    assert text[slice(*found.span)] == said


def test_now_counts_in_shanghai() -> None:
    late = datetime(2026, 11, 18, 20, 0, tzinfo=UTC)
    found = resolve("明天", late)
    assert found is not None
    assert found.date == date(2026, 11, 20)


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError):
        resolve("明天", datetime(2026, 11, 18))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["", " ", "\0", "😀", "。。。", "9" * 40, "月" * 50, "一" * 60])
def test_odd_texts_hold_nothing(text: str) -> None:
    assert day(text) is None


def test_a_call_takes_a_millisecond_at_most() -> None:
    texts = [text for group in DAYS.values() for text in group]
    for text in texts:
        resolve(text, NOW)
    taken = []
    for text in texts:
        start = perf_counter()
        resolve(text, NOW)
        taken.append(perf_counter() - start)
    assert median(taken) <= 0.001


def test_it_does_not_load_rasa() -> None:
    code = "import sys, bot.nlu.dates; sys.exit('rasa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
