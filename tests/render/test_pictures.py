"""Pictures: what is written stands inside, apart, readable; nothing is a plain area."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import combinations

import pytest
from PIL import Image

from bot.render import bars, card, ticks
from bot.render.canvas import BLUE, CUT, GREY, UNKNOWN, WIDTH, Drawing, printable, wrapped
from bot.render.card import PALE_TEXT, Card, Code

LONG = "欧阳慕容诗涵·亚历山德拉·克里斯蒂娜·冯·施泰因贝格"
NAMES = ("王小满", LONG, "Alexander Christopher Montgomery", "A" * 80, "𠮷野", "李")
CODE = Code(
    "https://example.com/pictures/check.12.5.1764000000.abcdefghijklmnopqrstuv",
    ("扫码", "12月31日（周五） 10:00 前有效"),
)
CARD = Card(
    title="电子保险卡",
    state="电子卡已置灰",
    active=False,
    name="王小满",
    plan="优享PLUS MAX计划",
    rows=(
        ("保单号", "YX****-**0101"),
        ("有效期", "2026-05-07 至 2027-05-06"),
        ("直付", "网络内诊所、可直付公立医院（特需部/国际部）"),
    ),
    note="有 12,888.80 元自付款没付，付清前不能直付。",
    footer="就诊请带身份证件 · 热线 021-80209058（7×24 小时）",
    code=CODE,
)
BARS = bars.Bars(
    "王小满还剩多少",
    "优享PLUS MAX计划 · 截至 11月23日（周一）",
    (
        bars.Bar("门诊", "剩 67,111.20 元", "已用 12,888.80，限额 80,000 元", 0.84),
        bars.Bar("门诊全额赔付", "剩 0 次", "已用 10，限额 10 次", 0.0),
        bars.Bar("住院", "剩 1 元", "已用 799,999，限额 800,000 元", 0.000001),
        bars.Bar("疫苗", "", "本计划没有疫苗保额", None),
    ),
    "注意：电子卡已置灰，现在不能直付。",
)
TICKS = ticks.Ticks(
    "理赔 C3001 的材料",
    "王小满 · 复旦大学附属儿科医院国际部特需门诊 · 11月20日（周五） · 12,888.80 元",
    (
        ticks.Tick("病历等医学资料", True, "已收到"),
        ticks.Tick("监护人身份证正反面", False, "还缺", "要重交：" + "背面看不清，" * 20),
    ),
    "已收到 1 项，还缺 1 项",
)


def image(drawing: Drawing) -> Image.Image:
    return Image.open(io.BytesIO(drawing.png)).convert("RGB")


def check(drawing: Drawing) -> None:
    wide, high = drawing.size
    assert wide == WIDTH
    assert image(drawing).size == drawing.size
    for line in drawing.written:
        left, top, right, bottom = line.box
        assert left >= 0
        assert top >= 0
        assert right <= wide, line.text
        assert bottom <= high, line.text
    for one, other in combinations(drawing.written, 2):
        apart = (
            one.box[2] <= other.box[0]
            or other.box[2] <= one.box[0]
            or one.box[3] <= other.box[1]
            or other.box[3] <= one.box[1]
        )
        assert apart, (one, other)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", [CODE, None])
def test_a_card_holds_any_name(name: str, code: Code | None) -> None:
    check(card.draw(replace(CARD, name=name, code=code)))


def test_a_long_name_is_written_whole() -> None:
    drawn = "".join(line.text for line in card.draw(replace(CARD, name=LONG)).written)
    assert LONG in drawn


@pytest.mark.parametrize("name", NAMES)
def test_bars_and_ticks_hold_any_name(name: str) -> None:
    check(bars.draw(replace(BARS, title=f"{name}还剩多少")))
    check(ticks.draw(replace(TICKS, heading=f"{name} · {TICKS.heading}")))


def test_a_card_is_grey_unless_it_is_active() -> None:
    grey, blue = image(card.draw(CARD)), image(card.draw(replace(CARD, active=True)))
    assert grey.getpixel((2, 2)) == GREY
    assert blue.getpixel((2, 2)) == BLUE
    red, green, blue_part = GREY
    assert max(GREY) - min(GREY) < 16 < max(BLUE) - min(BLUE), (red, green, blue_part)


def test_what_is_said_is_written() -> None:
    for words, drawing in (
        (CARD.words, card.draw(CARD)),
        (BARS.words, bars.draw(BARS)),
    ):
        drawn = "".join(line.text for line in drawing.written).replace(" ", "")
        for word in words:
            for part in word.split(" "):
                assert part in drawn, part


def test_another_code_is_another_picture_with_dark_and_light() -> None:
    one = image(card.draw(CARD))
    other = image(card.draw(replace(CARD, code=replace(CODE, content="https://example.com/else"))))
    assert one.tobytes() != other.tobytes()
    left, top = WIDTH - card.MARGIN - card.QR_SIDE, 112
    shades = one.crop((left, top, left + card.QR_SIDE, top + card.QR_SIDE)).convert("L")
    dark = sum(shades.histogram()[:64]) / (card.QR_SIDE**2)
    assert 0.15 < dark < 0.5


def test_a_bar_is_as_long_as_what_is_left() -> None:
    def ends(share: float | None) -> int:
        row = bars.Bar("门诊", "", "", share)
        drawn = image(bars.draw(replace(BARS, rows=(row,), note="")))
        colours = {bars.GREEN, bars.AMBER}
        return sum(
            any(drawn.getpixel((x, y)) in colours for y in range(drawn.height))
            for x in range(drawn.width)
        )

    full = ends(1.0)
    assert full > 600
    assert abs(ends(0.5) - full / 2) <= 2
    # A yuan left is more than nothing.
    assert 0 < ends(0.000001) < full / 20
    assert ends(0.0) == ends(None) == 0


def test_a_tick_is_not_an_empty_box() -> None:
    done = image(ticks.draw(replace(TICKS, rows=(ticks.Tick("发票", True, ""),))))
    empty = image(ticks.draw(replace(TICKS, rows=(ticks.Tick("发票", False, ""),))))
    green = [pixel == ticks.GREEN for pixel in done.get_flattened_data()].count(True)
    assert green > 500
    assert ticks.GREEN not in set(empty.get_flattened_data())


@pytest.mark.parametrize("ground", [BLUE, GREY])
def test_small_text_stands_out_from_its_ground(ground: tuple[int, int, int]) -> None:
    def light(colour: tuple[int, int, int]) -> float:
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert (light(PALE_TEXT) + 0.05) / (light(ground) + 0.05) >= 4.5


def test_words_are_not_broken_and_what_is_too_long_is_cut() -> None:
    assert wrapped("Alexander Christopher", 32, 300, 2) == ["Alexander", "Christopher"]
    assert wrapped("短", 32, 300, 2) == ["短"]
    cut = wrapped("很长" * 50, 32, 300, 2)
    assert len(cut) == 2
    assert cut[1].endswith(CUT)


def test_signs_that_the_font_lacks_have_a_stand_in() -> None:
    assert printable("王𠮷") in ("王𠮷", f"王{UNKNOWN}")
    assert printable("王\U0001f600") == f"王{UNKNOWN}"
