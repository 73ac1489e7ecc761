"""The rules that turn a stretch of Chinese or digits into one calendar day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from bot.nlu.dates import calendar
from bot.nlu.dates.holidays import AFTER_NAME, BY_NAME, PATTERN, lunar_day
from bot.nlu.dates.model import Context, DayAtom, Flag
from bot.nlu.dates.offsets import OFFSET_RULES, week_shift
from bot.nlu.dates.text import NOT_IN_NUM, NUM, to_int, to_year

Rule = tuple[re.Pattern[str], Callable[[re.Match[str], Context], DayAtom | None]]

_IMPOSSIBLE = frozenset({Flag.IMPOSSIBLE_DATE})
_YEARS = {
    "大前年": -3, "前年": -2, "去年": -1, "上年": -1, "今年": 0, "本年": 0, "当年": 0,
    "明年": 1, "来年": 1, "下年": 1, "后年": 2, "大后年": 3,
}  # fmt: skip
_YEAR = (
    r"(?:(?:(?<!\d)(?P<year>\d{4}|\d{2}|[零〇一二三四五六七八九]{2,4})\s{0,3}年"
    rf"|(?P<rel_year>{'|'.join(sorted(_YEARS, key=len, reverse=True))}))"
    r"(?:度)?(?:的|,|，|、)?\s{0,3})?"
)
_REL_MONTH = (
    r"(?P<rel_month>(?:大上|大下|上{1,3}|下{1,3}|这|本|当)(?:一)?\s{0,3}个?\s{0,3}月)(?:份)?"
)
_MONTH = (
    rf"(?:(?:{NOT_IN_NUM}(?<!个)(?P<month>{NUM})|(?P<first>元))\s{{0,3}}月(?:份)?|{_REL_MONTH})"
)
_WEEK = r"(?:周|星期|礼拜)"
_WD = r"(?P<wd>[一二三四五六日天]|[1-7](?![\d.:]|\s{0,3}[%点号月天年个岁次度周星礼/-]))"
_WD_END = (
    r"(?!点[半钟整\d一二三四五六七八九十]|\s?(?:[次回趟遍针顿片]|个(?!人)|岁|天(?!气)|年级|均))"
)
# A day without 号 may be a count: 3月2次, 十月第一个.
_UNCOUNTED = r"(?![\d个天岁次斤元块万点分周月倍份.:%]|\s?(?:[一二三四五六七八九十]|次|个|岁))"
_DAY_UNIT = r"(?:号|日(?!游|龄|均|常|报|元|照))"
# Of 12月3-5日 the first day is the answer, and the range is flagged.
_DAY = (
    rf"(?P<day>{NUM})\s{{0,3}}(?:(?P<to>(?:[号日]\s?)?[-~到至、]\s?{NUM})?\s{{0,3}}"
    rf"(?P<unit>{_DAY_UNIT})|{_UNCOUNTED})"
)


def _year(match: re.Match[str], ctx: Context) -> int | None:
    if match["year"]:
        return to_year(match["year"], ctx.today.year)
    if match["rel_year"]:
        return ctx.today.year + _YEARS[match["rel_year"]]
    return None


def _month(match: re.Match[str]) -> int | None:
    return 1 if match["first"] else to_int(match["month"])


def _range(match: re.Match[str]) -> tuple[Flag, ...]:
    return (Flag.RANGE,) if match["to"] else ()


def _atom(match: re.Match[str], day: date | None, *flags: Flag) -> DayAtom:
    if day is None:
        return DayAtom(*match.span(), None, flags=_IMPOSSIBLE)
    return DayAtom(*match.span(), day, flags=frozenset(flags))


def _first_of(match: re.Match[str], ctx: Context) -> date | None:
    """Return the first day of the relative month (上个月, 下下个月) of a match."""
    said = match["rel_month"]
    shift = week_shift(ctx.text, match.start("rel_month"), said)
    return ctx.today.replace(day=1) + relativedelta(months=shift)


def _relative_day(match: re.Match[str], ctx: Context) -> DayAtom | None:
    word = match["word"]
    big = len(match["big"] or "")
    shift = {"前": -2, "后": 2, "昨": -1, "寻": -1, "琴": -1, "明": 1, "听": 1}.get(word, 0)
    if big:
        if abs(shift) != 2:
            return None
        shift += big if shift > 0 else -big
    return _atom(match, ctx.today + timedelta(days=shift))


def _weekday(match: re.Match[str], ctx: Context) -> DayAtom | None:
    weekday = "一二三四五六日".find(match["wd"].replace("天", "日"))
    if weekday < 0:
        weekday = int(match["wd"]) - 1
    pre = match["pre"]
    if not pre:
        return _bare_weekday(match, ctx, weekday)
    if match["count"]:
        count = to_int(match["count"])
        if count is None:
            return None
        shift = -count if match["side"] == "前" else count
    else:
        shift = week_shift(ctx.text, match.start("pre"), pre)
        if shift == 1 and pre == "下" and ctx.text[match.start("pre") - 1 :].startswith("一下"):
            shift = 0
        if shift == 0 and pre[0] == "下":
            # 看一下周三: the 下 belongs to the verb, and the weekday is a bare one.
            return _bare_weekday(match, ctx, weekday)
    day = calendar.in_week(ctx.today, shift, weekday)
    return DayAtom(*match.span(), day, weekday=weekday)


def _bare_weekday(match: re.Match[str], ctx: Context, weekday: int) -> DayAtom | None:
    before = ctx.text[: match.start("week")].rstrip()
    # 孕12周三天 and 一周一次 count weeks; 12/3周四 names a day twice.
    if re.search(r"(?:[\d零一二两三四五六七八九十半几每双单]|隔|整)$", before) and not re.search(
        r"(?:\d[./-]\d{1,2}|[一1]下|月[一二三四五六七八九十]{1,3})$|"
        r"(?:周|星期|礼拜)[一二三四五六日天]$",
        before,
    ):
        return None
    flags = {Flag.WEEKDAY_SAID_ON_THAT_WEEKDAY} if weekday == ctx.today.weekday() else set()
    day = calendar.bare_weekday(ctx, weekday)
    return DayAtom(match.start("week"), match.end(), day, weekday=weekday, flags=frozenset(flags))


def _nth_weekday(match: re.Match[str], ctx: Context) -> DayAtom | None:
    weekday = "一二三四五六日".find(match["wd"].replace("天", "日"))
    nth = -1 if match["last"] else to_int(match["nth"] or "一")
    if nth is None or not (nth == -1 or 1 <= nth <= 5):
        return None
    weekday = weekday if weekday >= 0 else int(match["wd"]) - 1
    if match["rel_month"]:
        first = _first_of(match, ctx)
        return _atom(match, calendar.nth_weekday(first, nth, weekday) if first else None)
    month = _month(match)
    if month is None or not 1 <= month <= 12:
        return None
    day = calendar.yearly(
        ctx,
        _year(match, ctx),
        lambda y: calendar.nth_weekday(date(y, month, 1), nth, weekday),
    )
    return _atom(match, day)


def _month_edge(match: re.Match[str], ctx: Context) -> DayAtom | None:
    first_day = match["edge"].startswith("第")
    if match["month"] or match["first"]:
        month = _month(match)
        if month is None or not 1 <= month <= 12:
            return None

        def on(year: int) -> date:
            first = date(year, month, 1)
            return first if first_day else calendar.month_end(first)

        return _atom(match, calendar.yearly(ctx, _year(match, ctx), on))
    first = _first_of(match, ctx) if match["rel_month"] else ctx.today.replace(day=1)
    if first is None:
        return None
    day = first if first_day else calendar.month_end(first)
    if not match["rel_month"] and ctx.prefer == "past" and day > ctx.today:
        day = first - timedelta(days=1)
    return _atom(match, day)


def _year_edge(match: re.Match[str], ctx: Context) -> DayAtom | None:
    year = _year(match, ctx)
    if year is None:
        return None
    return _atom(match, date(year, 1, 1) if match["edge"] == "第一天" else date(year, 12, 31))


def _full(match: re.Match[str], ctx: Context) -> DayAtom | None:
    year = int(match["y"])
    if not 1900 <= year <= 2100:
        return None
    return _atom(match, calendar.make(year, int(match["m"]), int(match["d"])))


def _month_first_full(match: re.Match[str], ctx: Context) -> DayAtom | None:
    month, day = int(match["m"]), int(match["d"])
    if month > 12 >= day:
        month, day = day, month
    return _atom(match, calendar.make(int(match["y"]), month, day))


_ROOM_BEFORE = re.compile(
    r"(?:^|[\s,，。、;:!?！？~()（）]|[约在到至改成换为于是从想订定挂号的那有要就我们娃宝您你日说说历])$"
)
_ROOM_AFTER = re.compile(
    r"\s{0,3}(?:$|[,，。、;!?！？()（）~吧吗呢啊行可有去来带看复预约想要能的那早上中下晚凌傍周星礼前之起开要挂号打做过,]|"
    r"-?\s?\d{1,2}(?::\d\d|点)|[\d一二三四五六七八九十]+点|\s[^\d])"
)


def _numeric(match: re.Match[str], ctx: Context) -> DayAtom | None:
    month, day, sep = int(match["m"]), int(match["d"]), match["sep"]
    if not 1 <= month <= 31 or not 1 <= day <= 31:
        return None
    if match["unit"] and sep in "-~" and month < day:
        # 3-5号 runs from the 3rd to the 5th; only its start is a day to answer with.
        first = calendar.day_of_month(ctx, month)
        return _atom(match, first, Flag.RANGE)
    if month > 12 or sep == "~":
        return None
    if not match["unit"] and not (
        sep == "/" or (sep == "-" and len(match["m"]) == len(match["d"]) == 2)
    ):
        before, after = ctx.text[: match.start()].rstrip(" "), ctx.text[match.end() :]
        if not _ROOM_BEFORE.search(before) or not _ROOM_AFTER.match(after):
            return None
    return _atom(match, calendar.month_day(ctx, None, month, day))


def _month_day(match: re.Match[str], ctx: Context) -> DayAtom | None:
    month, day = _month(match), to_int(match["day"])
    if month is None or day is None or (match["day"][0] in "廿卅" and not match["calendar"]):
        return None
    year = _year(match, ctx)
    if match["calendar"] in ("农历", "阴历", "旧历", "老历"):
        return _lunar_atom(match, ctx, year, month, day)
    if not match["unit"] and month > 12:
        return None
    return _atom(match, calendar.month_day(ctx, year, month, day), *_range(match))


def _lunar(match: re.Match[str], ctx: Context) -> DayAtom | None:
    name = match["lmonth"]
    if name[0] not in "正冬腊闰" and match["lday"][0] not in "初廿卅":
        return None
    month = {"正": 1, "冬": 11, "腊": 12}.get(name[-1]) or to_int(name.removeprefix("闰"))
    day = to_int(match["lday"].removeprefix("初"))
    if month is None or day is None or not 1 <= month <= 12:
        return None
    return _lunar_atom(match, ctx, _year(match, ctx), -month if name[0] == "闰" else month, day)


def _lunar_atom(
    match: re.Match[str], ctx: Context, year: int | None, month: int, day: int
) -> DayAtom:
    if not 1 <= abs(month) <= 12:
        return _atom(match, None)
    found = calendar.yearly(ctx, year, lambda y: lunar_day(y, month, day))
    return _atom(match, found, Flag.LUNAR)


def _relative_month_day(match: re.Match[str], ctx: Context) -> DayAtom | None:
    first, day = _first_of(match, ctx), to_int(match["day"])
    if first is None or day is None:
        return None
    return _atom(match, calendar.make(first.year, first.month, day), *_range(match))


def _same_day_of_month(match: re.Match[str], ctx: Context) -> DayAtom | None:
    first = _first_of(match, ctx)
    return _atom(match, calendar.make(first.year, first.month, ctx.today.day) if first else None)


def _same_day_of_year(match: re.Match[str], ctx: Context) -> DayAtom | None:
    year = ctx.today.year + _YEARS[match["rel_year"]]
    return _atom(match, calendar.make(year, ctx.today.month, ctx.today.day))


def _day_of_month(match: re.Match[str], ctx: Context) -> DayAtom | None:
    day = to_int(match["day"])
    if day is None or not 1 <= day <= 31:
        return None
    if match["unit"] == "日" and not match["day"].isascii() and day < 10:
        # 五日 counts days as often as it names one.
        return None
    flags = (Flag.RANGE,) if match["from"] else ()
    if match["from"]:
        day = to_int(match["from"]) or 0
    return _atom(match, calendar.day_of_month(ctx, day), *flags)


def _holiday(match: re.Match[str], ctx: Context) -> DayAtom | None:
    on = BY_NAME[match["name"]]
    day = calendar.yearly(ctx, _year(match, ctx), on)
    if day is None:
        return None
    after = AFTER_NAME.match(ctx.text, match.end())
    if after is None:
        return DayAtom(*match.span(), day)
    shift = (to_int(after["nth"]) or 1) - 1
    return DayAtom(match.start(), after.end(), day + timedelta(days=shift))


_SEP = r"\s?[-/.年·]\s?"
RULES: tuple[Rule, ...] = (
    tuple(
        (re.compile(pattern), rule)
        for pattern, rule in (
            (
                rf"(?<![\d.])(?P<y>\d{{4}}){_SEP}(?P<m>\d{{1,2}})\s?[-/.月·]\s?(?P<d>\d{{1,2}})"
                r"(?:号|日|T(?=\d))?(?!\d|[./]\d)",
                _full,
            ),
            (r"(?<![\d.])(?P<y>\d{4}) (?P<m>\d{2}) (?P<d>\d{2})(?!\d)", _full),
            (r"(?<![\dA-Za-z])(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>[0-3]\d)(?!\d)", _full),
            (
                r"(?<![\d.])(?P<m>\d{1,2})[/-](?P<d>\d{1,2})[/-](?P<y>(?:19|20)\d\d)(?!\d)",
                _month_first_full,
            ),
            (
                r"(?<![\d.\-/:A-Za-z])(?P<m>\d{1,2})\s?(?P<sep>[-/.·~])\s?(?P<d>\d{1,2})\s?(?P<unit>号|日)?"
                r"(?!\d|[./:]\d|-\d(?!\d?:)|\s?(?:[%℃°]|kg|mg|ml|cm|mm))",
                _numeric,
            ),
            (
                rf"{_YEAR}(?P<calendar>农历|阴历|旧历|老历|公历|阳历|新历)?\s{{0,3}}(?:的)?{NOT_IN_NUM}(?<!个)"
                rf"(?:(?P<month>{NUM})|(?P<first>元))\s{{0,3}}月(?:份)?的?\s{{0,3}}{_DAY}",
                _month_day,
            ),
            (
                rf"{_YEAR}(?:农历|阴历|旧历|老历)?的?{NOT_IN_NUM}(?P<lmonth>[正冬腊]|闰?{NUM})\s{{0,3}}月\s{{0,3}}"
                rf"(?P<lday>初{NUM}|[廿卅][一二三四五六七八九]?|{NUM})(?:日|号)?",
                _lunar,
            ),
            (rf"{_REL_MONTH}的?\s{{0,3}}{_DAY}", _relative_month_day),
            (rf"{_REL_MONTH}的?(?:今天|同一天)", _same_day_of_month),
            (r"(?P<rel_year>去年|前年|明年|后年)的?(?:今天|今日|同一天)", _same_day_of_year),
            (
                rf"{_YEAR}{_MONTH}的?(?:第(?P<nth>{NUM})|头一?|(?P<last>最后一))个?{_WEEK}{_WD}",
                _nth_weekday,
            ),
            (
                rf"{_YEAR}(?:{_MONTH}的?|(?<!个)月)(?P<edge>底|末|最后一天|最后1天|第一天|第1天)",
                _month_edge,
            ),
            (rf"{_YEAR}(?<=年)的?(?P<edge>第一天|最后一天)", _year_edge),
            (
                rf"{NOT_IN_NUM}(?<![第月周期拜\-/~A-Za-z])(?<!月的)(?:(?P<from>{NUM})[号日]?\s?[、到至~-]\s?)?"
                rf"(?P<day>{NUM})\s{{0,3}}(?P<unit>号|日)(?![内间游龄均常报元照子程期语本难])",
                _day_of_month,
            ),
            (
                r"(?<![以之目然最午饭往先落背术])(?P<big>大{1,3})?(?P<word>[前后])"
                r"(?:天(?!天(?!气)|性|气)|日(?!本|子)|儿个?(?!子|童|科)|(?=晚)|个儿)",
                _relative_day,
            ),
            (
                r"(?P<big>)(?P<word>[今明昨])(?:天|日(?!头条)|儿个?(?!科|童|子)|个(?!月|年|星|礼)|(?=[早晚晨夜]))",
                _relative_day,
            ),
            (r"(?P<big>)(?P<word>[听寻琴])日", _relative_day),
            (r"(?P<big>)(?P<word>今(?=朝(?!有酒))|本(?=日(?!子)))[朝日]", _relative_day),
            (r"(?P<big>)(?P<word>明)朝(?!那些|历史|皇|末|初|时|的?人|代)", _relative_day),
            (
                r"(?P<pre>(?<![早晚马线网楼地])(?:(?:大上|大下|再下|上{1,3}|下{1,3}|这|本|当)(?:一|1)?\s{0,3}个?)|"
                rf"{NOT_IN_NUM}(?P<count>{NUM})个?{_WEEK}(?:之|以)?(?P<side>[后前])的?(?={_WEEK}))?\s{{0,3}}"
                rf"(?P<week>{_WEEK}(?:的|,|，|\s)*(?:{_WEEK})?)\s{{0,3}}{_WD}{_WD_END}",
                _weekday,
            ),
            (
                r"(?P<pre>上|下|下下|上上|这)(?P<count>)(?P<side>)(?P<week>拜)(?P<wd>[一二三四五六日天])",
                _weekday,
            ),
            (rf"{_YEAR}(?:农历|阴历)?的?{PATTERN}", _holiday),
        )
    )
    + OFFSET_RULES
)


def find_days(ctx: Context) -> Iterator[DayAtom]:
    """Yield every rule's reading of the masked text of ``ctx``; readings may overlap."""
    for pattern, rule in RULES:
        for match in pattern.finditer(ctx.text):
            atom = rule(match, ctx)
            if atom is not None:
                yield atom
