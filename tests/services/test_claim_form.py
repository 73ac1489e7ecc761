"""The claim form: what stands on it, in which font, and the same bytes for the same claim (C6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pypdfium2
import pytest
import sqlalchemy as sa

from bot.rules.claims import ClaimKind
from bot.services.claim_form import claim_form, printable
from bot.services.claim_progress import BankAccount, set_bank_account
from bot.services.claims import ClaimWish, open_claim
from bot.services.errors import NotFound, Refused
from bot.store.models import Child, Claim
from bot.store.session import Store

OUR_PHONE, THEIR_PHONE = "13800000101", "13800000301"
Opened = Callable[..., str]


@pytest.fixture
def who(bound: Callable[..., int]) -> int:
    return bound(OUR_PHONE)


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


def test_the_form_is_filled_in(store: Store, who: int, claim: Opened) -> None:
    """C6: the claim, the checklist, a declaration, and where to sign."""
    reference = claim(who)
    form = claim_form(store, identity_id=who, reference=reference)
    assert form.name == f"{reference}.pdf"
    (text,) = pages(form.pdf)
    printed = [
        "理赔申请表", reference, "YX2026-000101", "王小满", "2019-05-20", "公立门诊/急诊",
        "上海市儿童医院", "就诊日期", "2026-11-20", "580 元", "声明", "家长签名", "签名日期",
        "银行卡号", "□ 发票原件", "□ 孩子的出生证明", "□ 监护人身份证正反面", "第 1 页，共 1 页",
    ]  # fmt: skip
    assert [words for words in printed if words not in text] == []
    assert "填好并签名的理赔表" not in text


def test_the_signs_are_in_the_file(store: Store, who: int, claim: Opened) -> None:
    form = claim_form(store, identity_id=who, reference=claim(who))
    assert form.pdf.startswith(b"%PDF-")
    assert re.search(rb"/BaseFont /[A-Z]{6}\+NotoSansSC", form.pdf)
    assert b"/FontFile3" in form.pdf
    assert len(form.pdf) < 200_000
    # A glyph that is missing is drawn as an empty box, or not at all: what is drawn is looked at.
    with pypdfium2.PdfDocument(form.pdf) as document:
        page = document[0].render(scale=1.0).to_pil().convert("L")
    title = page.crop((0, 40, page.width, 90))
    dark = sum(title.histogram()[:128])
    assert dark > 300
    assert max(title.crop((0, 0, 40, 50)).getextrema()) == 255


def test_the_same_claim_gives_the_same_bytes(store: Store, who: int, claim: Opened) -> None:
    reference = claim(who)
    first, again = (claim_form(store, identity_id=who, reference=reference) for _ in range(2))
    assert first == again


def test_the_longest_form_fits_one_sheet(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound(THEIR_PHONE)
    wish = ClaimWish(
        ClaimKind.PUBLIC_INPATIENT,
        "复旦大学附属儿科医院国际部特需门诊及其在城市另一头的住院部大楼第三分部",
        date(2026, 11, 20),
        Decimal("9999999.99"),
    )
    seen, _ = open_claim(store, identity_id=who, number="YX2026-000301", wish=wish, now=now)
    (text,) = pages(claim_form(store, identity_id=who, reference=seen.reference).pdf)
    for words in ("出院日期", "9,999,999.99 元", "□ 出院小结", "第三分部", "签名日期"):
        assert words in text


def test_of_the_bank_card_the_end_alone_is_printed(
    store: Store, who: int, claim: Opened, now: datetime
) -> None:
    reference = claim(who)
    account = BankAccount("6222021234567890128", "招商银行上海徐家汇支行")
    set_bank_account(store, identity_id=who, reference=reference, account=account, now=now)
    form = claim_form(store, identity_id=who, reference=reference)
    (text,) = pages(form.pdf)
    assert "尾号 0128" in text
    assert "62220212" not in text
    assert "开户行（到支行）" not in text


def test_a_sign_that_the_font_lacks_is_left_to_the_pen(
    store: Store, who: int, claim: Opened
) -> None:
    assert printable("王𠮷") == "王〇"
    reference = claim(who)
    with store.begin() as session:
        session.scalars(sa.select(Child).where(Child.name == "王小满")).one().name = "王𠮷满"
    (text,) = pages(claim_form(store, identity_id=who, reference=reference).pdf)
    assert "王〇满" in text
    assert "手写正确的名字" in text


@pytest.mark.parametrize("status", ["approved", "partly_approved", "rejected", "paid", "withdrawn"])
def test_no_form_once_it_is_over(store: Store, who: int, claim: Opened, status: str) -> None:
    reference = claim(who)
    with store.begin() as session:
        session.scalars(sa.select(Claim).where(Claim.reference == reference)).one().status = status
    with pytest.raises(Refused):
        claim_form(store, identity_id=who, reference=reference)


def test_nobody_gets_another_familys_form(
    store: Store, who: int, new_identity: Callable[[str], int]
) -> None:
    for identity in (who, new_identity("nobody")):
        with pytest.raises(NotFound):
            claim_form(store, identity_id=identity, reference="C3001")
