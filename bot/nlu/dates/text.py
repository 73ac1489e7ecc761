"""Normalisation that keeps every offset, Chinese numbers, and the stretches that are no dates."""

from __future__ import annotations

import re

_TRADITIONAL = (
    "後后週周禮礼號号點点個个兩两倆两俩两鐘钟鍾钟這这國国慶庆節节農农曆历歷历舊旧臘腊兒儿聖圣誕诞"
    "勞劳動动陽阳時时間间過过從从幾几歲岁樓楼線线開开隔隔內内與与當当剛刚經经裡里裏里淩凌還还"
    "萬万陰阴單单雙双婦妇親亲師师軍军黨党樹树復复診诊門门電电話话碼码麼么頭头達达約约預预為为"
    "換换掛挂訂订來来對对說说錯错沒没請请號号葉叶術术熱热發发燒烧藥药療疗張张藝艺館馆廳厅"
    "櫃柜臺台車车種种條条塊块釐厘醫医專专產产實实測测體体溫温壓压視视廣广場场東东網网話话聽听"
    "尋寻晝昼飯饭醒醒應应該该給给報报"
)
_TABLE: dict[int, str] = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{ord(_TRADITIONAL[i]): _TRADITIONAL[i + 1] for i in range(0, len(_TRADITIONAL), 2)},
    0x3000: " ",
    0x00A0: " ",
    **dict.fromkeys(map(ord, "–—−─‐"), "-"),
    **dict.fromkeys(map(ord, "〜∼"), "~"),
    **dict.fromkeys(map(ord, "•・‧"), "·"),
    **dict.fromkeys(map(ord, "○Ｏ"), "〇"),
}
# Slips of the input method, each as long as what it stands for, so that offsets stay right.
_SLIPS = (("里拜", "礼拜"), ("礼败", "礼拜"), ("星其", "星期"), ("名天", "明天"), ("眀天", "明天"))

CN = "零〇一二三四五六七八九十百两廿卅"
NUM = rf"(?:\d{{1,3}}|[{CN}]{{1,5}})"
# A number starts here, and not in the middle of one; 周四11月 holds two.
NOT_IN_NUM = rf"(?:(?<![\d.])(?=\d)|(?<![{CN}])(?=[{CN}])|(?<![\d{CN}])(?![\d{CN}]))"

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CN_INT = re.compile(
    r"(?:(?P<hundreds>[一二两三四五六七八九])?百)?(?:零)?"
    r"(?:(?P<tens>[一二三四五六七八九])?(?P<ten>十)|(?P<short>[廿卅]))?(?P<ones>[一二两三四五六七八九])?"
)


def normalise(text: str) -> str:
    """Return ``text`` in half width and simplified characters, of exactly the same length."""
    text = text.translate(_TABLE)
    for slip, meant in _SLIPS:
        if slip in text:
            text = text.replace(slip, meant)
    return text


def to_int(number: str) -> int | None:
    """Return the value of a number in digits or Chinese words; None for 两三, 十几 and the like."""
    if number[0] in "零〇" and number[1:].isdigit():
        number = number[1:]
    if number.isascii():
        return int(number) if number.isdigit() else None
    if number in ("零", "〇"):
        return 0
    match = _CN_INT.fullmatch(number.replace("〇", "零"))
    if match is None:
        return None
    value = 0
    if "百" in number:
        value += 100 * _DIGITS[match["hundreds"] or "一"]
    if match["ten"]:
        value += 10 * _DIGITS[match["tens"] or "一"]
    elif match["short"]:
        value += 20 if match["short"] == "廿" else 30
    return value + (_DIGITS[match["ones"]] if match["ones"] else 0)


def to_year(number: str, this_year: int) -> int | None:
    """Return the year that 2026, 26, 二〇二六 or 零七 means, seen from ``this_year``.

    Two digits mean this century up to twenty years ahead, else the last one.
    """
    digits = "".join(c if c.isascii() else str(_DIGITS.get(c, "")) for c in number)
    if len(digits) != len(number):
        return None
    year = int(digits)
    if len(digits) == 4:
        return year if 1900 <= year <= 2100 else None
    if len(digits) == 2:
        year += this_year // 100 * 100
        return year if year <= this_year + 20 else year - 100
    return None


_UNITS = (
    r"(?:岁|周岁|天(?!气)|次|个(?!人)|周(?![一二三四五六日天1-7])|月|年|小时|分钟|分|秒|万|千|元|块|毛|"
    r"公斤|千克|斤|克|毫克|毫升|升|公分|厘米|米|公里|人(?!民)|名|楼|层|度|℃|°|%|倍|片|粒|包|袋|勺|颗|支|瓶|滴|针|剂|折|号楼|"
    r"(?:kg|mg|ml|cm|mm|mmol|g|l|m|w|k)(?![a-z]))"
)
_PLACES = (
    "楼|线(?![上下])|门(?!诊|急)|院(?![方长])|床|病床|病房|诊室|诊间|诊台|房(?!间吗)|窗口?|馆|厅|柜(?!台)|桌|"
    "台(?!风)|店|电梯|方案|文件|车|染色体|码|段|选手|试剂|球|出口|航站|公路|国道|站(?!不)|教室|宿舍|"
    "库|仓|机位|座|仪|厂|公馆|院区|地铁|别墅|单元|屋|柱"
)
_RECURRING = (
    r"每(?:个|隔|逢|到)?(?:天|日|晚|周|星期|礼拜|个?月|年)(?:的)?"
    rf"(?:(?:周|星期|礼拜)?[一二三四五六日天1-7](?![号月日]))?(?:{NUM}[号日])?"
    r"(?:早上|上午|中午|下午|晚上|早|晚)?(?:\d{1,2}(?:点半?|:\d\d))?"
)
_NO_DATE = re.compile(
    "|".join(
        (
            r"《[^》]*》",
            r"(?:^|(?<=[你您家们,，。!]))(?:早上|上午|中午|下午|晚上)好(?![吗不么的])",
            r"https?://\S+",
            r"(?<!\d)\d{3,4}-\d{3,4}-\d{3,4}(?!\d)",
            r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)",
            r"(?<!\d)1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)",
            r"(?<!\d)400-?\d{3,4}-?\d{3,4}(?!\d)",
            r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)",
            r"\d{9,}[\dXx]?",
            r"[A-Za-z]+\d{4,}|\d+[A-Za-z]+\d{3,}",
            r"(?:编号|单号|码|账号|密码|保单号?|验证码|订单号?)(?:是|为|:)?\s{0,3}\d[\d\-/]*",
            # Addresses, rooms, queues: a number that counts things, not days.
            rf"第\s{{0,3}}{NUM}\s{{0,3}}号",
            rf"(?:路|街|弄|巷|大道|胡同|新村|花园|小区|[A-Za-z]){NUM}\s{{0,3}}号",
            rf"{NUM}\s{{0,3}}号(?:{_PLACES})",
            r"(?:五一|六一|八一|五四|双十|三八)(?:中|东|西|南|北)?"
            r"(?:路|广场|大道|街|巷|村|商|小学|中学|医院|桥|公园|线)",
            r"今日头条|今日说法|黎明|下午茶|明日之后|一日之计|昨日重现|一日三餐|三日龄",
            # Ranges of anything but days, readings, fractions.
            rf"(?<![\d./-])\d{{1,3}}(?:\.\d+)?\s{{0,3}}[-~]\s{{0,3}}\d{{1,3}}(?:\.\d+)?\s{{0,3}}(?!日|号){_UNITS}",
            rf"(?<![\d./-])\d{{1,3}}\.\d{{1,2}}\s{{0,3}}(?!日){_UNITS}",
            rf"(?<![\d./-])\d{{1,3}}/\d{{1,3}}\s{{0,3}}(?!日|号){_UNITS}",
            r"(?:血压|视力|心率|体重|身高|体温|血糖|比例|剂量|烧到|烧到了)(?:是|为|有|大概|才|:)?\s{0,3}"
            r"\d{1,3}(?:[./-]\d{1,3})+",
            rf"[{CN}]+分之[{CN}]+",
            rf"{NUM}\s{{0,3}}[-~到至]\s{{0,3}}{NUM}\s{{0,3}}(?:周?岁|个月大)",
            # What comes round again is no single day.
            _RECURRING,
            rf"{NUM}\s{{0,3}}(?:个)?(?:天|日|周|星期|礼拜|月|年)\s{{0,3}}{NUM}\s{{0,3}}(?:次|回|针|顿|片|粒|包|遍)",
            r"(?<![下上这本个])(?:周|星期|礼拜)[一1]\s{0,3}(?:到|至|-|~)\s{0,3}(?:周|星期|礼拜)?[四五六日天4567](?![号点月日\d])",
            r"今明(?:两|后)?[天日]|明后(?:两)?[天日]|[今昨这][前两几]天",
            # Vague by usage: any day would be a near one.
            r"(?<!再)过(?:个)?(?:两|几|一两|两三|三五|些)[天日]",
            r"以前天天|之前天天|以后天天|之后天天|后天性|先天后天",
            r"[有这那几]一?点(?!钟|半)|一点(?:儿|点|都|也|没|不)|[早晚快慢多少好大小轻便](?:一)?点(?!钟|半|\d)",
            rf"{NUM}\s{{0,3}}点\s{{0,3}}(?:建议|意见|要求|疑问|问题|原因|想法|注意|说明|需要)",
            rf"第\s{{0,3}}{NUM}\s{{0,3}}点",
            r"(?:24|7|二十四)\s{0,3}[x×*/]\s{0,3}(?:24|7)(?:小时)?",
        )
    ),
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """Return ``text`` with every stretch that must not be read as a date blanked out."""
    return _NO_DATE.sub(lambda match: "\0" * len(match[0]), text)
