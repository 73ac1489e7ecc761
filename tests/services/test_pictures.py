"""Pictures from the store: whose, how long, and the same in words."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.render.canvas import BLUE, GREY
from bot.rules.claims import ClaimKind
from bot.services import pictures
from bot.services.errors import NotBound, NotFound, Refused
from bot.services.links import read_picture_token
from bot.services.pictures import PictureView
from bot.settings import get_settings
from bot.store.models import Binding, SelfPayBill
from bot.store.session import Store

HOME, GREY_HOME, ILL_HOME = "13800000101", "13800000501", "13800000301"
NUMBER, GREY_NUMBER, ILL_NUMBER = "YX2026-000101", "YX2026-000501", "YX2026-000301"


def token(view: PictureView) -> str:
    assert view.path.startswith("/pictures/")
    return view.path.removeprefix("/pictures/")


def corner(png: bytes) -> object:
    return Image.open(io.BytesIO(png)).convert("RGB").getpixel((2, 2))


def test_the_card_in_words_and_in_colour(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(HOME)
    seen = pictures.e_card(store, identity_id=who, number=NUMBER, now=now)
    for part in ("王小满", "优享PLUS计划", "YX****-**0101", "正常", "2027-05-06", "二维码"):
        assert part in seen.alt
    assert NUMBER not in seen.alt + seen.path
    assert corner(pictures.load(store, token(seen), now)) == BLUE


def test_the_card_is_grey_until_it_is_paid(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(GREY_HOME)
    seen = pictures.e_card(store, identity_id=who, number=GREY_NUMBER, now=now)
    assert "电子卡已置灰" in seen.alt
    assert "有 128 元自付款没付" in seen.alt
    assert corner(pictures.load(store, token(seen), now)) == GREY
    with store.begin() as session:
        session.execute(sa.update(SelfPayBill).values(status="paid", paid_at=now))
    # The picture is drawn when it is opened, not when it was promised.
    assert corner(pictures.load(store, token(seen), now)) == BLUE


def test_the_code_leads_to_a_card_without_a_code_that_ends_with_it(
    store: Store, bound: Callable[..., int], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []
    draw = pictures.card.draw

    def watching(card: pictures.card.Card) -> object:
        held.append(card.code.content if card.code else "")
        return draw(card)

    monkeypatch.setattr(pictures.card, "draw", watching)
    who = bound(HOME)
    seen = pictures.e_card(store, identity_id=who, number=NUMBER, now=now)
    pictures.load(store, token(seen), now)
    address = held[0]
    assert address.startswith(f"{get_settings().base_url}/pictures/check.")
    assert NUMBER not in address
    check = address.rpartition("/")[2]
    assert read_picture_token(check, now).until == read_picture_token(token(seen), now).until
    pictures.load(store, check, now)
    assert held[1] == ""


def test_what_is_left_in_words(store: Store, bound: Callable[..., int], now: datetime) -> None:
    who = bound(HOME)
    seen = pictures.limits(store, identity_id=who, number=NUMBER, now=now)
    assert "门诊 剩 26,439.50 元，已用 3,560.50，限额 30,000 元" in seen.alt
    assert "儿童健康检查 剩 5 次" in seen.alt
    assert pictures.load(store, token(seen), now).startswith(b"\x89PNG")


def test_a_plan_without_vaccines_says_so(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(GREY_HOME)
    seen = pictures.limits(store, identity_id=who, number=GREY_NUMBER, now=now)
    assert "疫苗，本计划没有疫苗保额" in seen.alt
    assert "电子卡已置灰，现在不能直付" in seen.alt


def test_papers_are_ticked_as_they_come(
    store: Store,
    bound: Callable[..., int],
    claim: Callable[..., str],
    received: Callable[..., None],
    now: datetime,
) -> None:
    who = bound(HOME)
    reference = claim(who)
    before = pictures.claim_papers(store, identity_id=who, reference=reference, now=now)
    empty = pictures.load(store, token(before), now)
    assert "已收到 0 项，还缺 9 项" in before.alt
    received(reference, "invoice")
    after = pictures.claim_papers(store, identity_id=who, reference=reference, now=now)
    assert "发票原件 还缺" in after.alt
    assert "已收到 8 项，还缺 1 项" in after.alt
    assert pictures.load(store, token(before), now) != empty
    received(reference)
    whole = pictures.claim_papers(store, identity_id=who, reference=reference, now=now)
    assert "9 项都收到了" in whole.alt


def test_the_papers_of_a_kind(
    store: Store, new_identity: Callable[..., int], now: datetime
) -> None:
    who = new_identity("stranger")
    seen = pictures.papers(ClaimKind.PUBLIC_INPATIENT, identity_id=who, now=now)
    assert "公立住院" in seen.alt
    assert "出院小结" in seen.alt
    assert pictures.load(store, token(seen), now).startswith(b"\x89PNG")
    with pytest.raises(NotFound):
        pictures.papers(ClaimKind.NETWORK_CLINIC, identity_id=who, now=now)


@pytest.fixture
def shown(store: Store, bound: Callable[..., int], now: datetime) -> dict[str, PictureView]:
    who = bound(ILL_HOME)
    own = {"identity_id": who, "now": now}
    return {
        "card": pictures.e_card(store, number=ILL_NUMBER, **own),
        "limits": pictures.limits(store, number=ILL_NUMBER, **own),
        "claim": pictures.claim_papers(store, reference="C3001", **own),
    }


@pytest.mark.parametrize("kind", ["card", "limits", "claim"])
def test_nobody_else_sees_it(
    store: Store, bound: Callable[..., int], shown: dict[str, PictureView], now: datetime, kind: str
) -> None:
    stranger = bound(HOME, account="stranger")
    own = {"identity_id": stranger, "now": now}
    named = {"reference": "C3001"} if kind == "claim" else {"number": ILL_NUMBER}
    make = {"card": pictures.e_card, "limits": pictures.limits, "claim": pictures.claim_papers}
    with pytest.raises((NotFound, NotBound)):
        make[kind](store, **named, **own)
    # Nor by putting the own account into another's token.
    name, subject, who, until, mark = token(shown[kind]).split(".")
    for forged in (
        f"{name}.{subject}.{stranger}.{until}.{mark}",
        f"{name}.{subject}.{who}.{int(until) + 9999}.{mark}",
        f"{name}.{int(subject) + 1 if subject.isdigit() else 'C3002'}.{who}.{until}.{mark}",
        f"{'limits' if name == 'card' else 'card'}.{subject}.{who}.{until}.{mark}",
        f"{name}.{subject}.{who}.{until}.{mark[:-1]}",
        f"{name}.{subject}.{who}.{until}.{'A' * 22}",
        "",
    ):
        with pytest.raises(NotFound):
            pictures.load(store, forged, now)


@pytest.mark.parametrize("kind", ["card", "limits", "claim"])
def test_it_ends_after_a_day_and_with_the_binding(
    store: Store, shown: dict[str, PictureView], now: datetime, kind: str
) -> None:
    last = now + pictures.LASTS
    assert pictures.load(store, token(shown[kind]), last - timedelta(seconds=1))
    with pytest.raises(Refused, match="link_over"):
        pictures.load(store, token(shown[kind]), last)
    with store.begin() as session:
        session.execute(sa.delete(Binding))
    with pytest.raises((NotFound, NotBound)):
        pictures.load(store, token(shown[kind]), now)


def test_a_link_to_a_file_opens_no_picture(store: Store, now: datetime) -> None:
    from bot.services.links import claim_form_link

    form = claim_form_link("C3001", 1, now).url.rpartition("/")[2]
    with pytest.raises(NotFound):
        pictures.load(store, f"claim.{form}", now)
