from __future__ import annotations

import pytest

from bot.rules.documents import ID_UNCLEAR, paper_of_filename, papers_named
from bot.store.models import PAPER_KINDS


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("这是发票", ["invoice"]),
        ("病历和发票", ["medical_record", "invoice"]),
        ("前两张是发票，第三张是费用清单", ["invoice", "itemised_bill"]),
        ("发飘", ["invoice"]),
        ("病例本", ["medical_record"]),
        ("诊断证明", ["medical_record"]),
        ("化验单和检查报告", ["medical_record", "medical_record"]),
        ("孩子身份证", ["id_document"]),
        ("宝宝的户口本", ["id_document"]),
        ("我的身份证正反面", ["guardian_id"]),
        ("妈妈身份证和孩子的身份证", ["guardian_id", "id_document"]),
        ("身份证", [ID_UNCLEAR]),
        ("户口本", ["id_document"]),
        ("出生证", ["birth_certificate"]),
        ("出生医学证明", ["birth_certificate"]),
        ("出院小结", ["discharge_summary"]),
        ("电子保险卡截图", ["e_card"]),
        ("银行卡", ["bank_account"]),
        ("填好的理赔申请表", ["claim_form"]),
        ("问诊发票、处方票据", ["consultation_receipt", "prescription_receipt"]),
        ("费用明细清单", ["itemised_bill"]),
        ("检查单", ["examination_order"]),
        ("费用预估", ["cost_estimate"]),
        ("住院证", ["examination_order"]),
        ("今天天气不错", []),
        ("", []),
    ],
)
def test_papers_are_named_in_their_order(text: str, kinds: list[str]) -> None:
    found = papers_named(text)
    assert [named.kind for named in found] == kinds
    assert all(0 <= named.start < named.end <= len(text) for named in found)


def test_every_kind_of_paper_has_a_word() -> None:
    said = (
        "病历 孩子身份证 电子保险卡 银行卡 费用清单 发票 出院小结 出生证明 我的身份证 理赔申请表 "
        "问诊票据 处方票据 检查单 费用预估"
    )
    assert {named.kind for named in papers_named(said)} == set(PAPER_KINDS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("门诊发票20261120.pdf", "invoice"),
        ("IMG_1234.HEIC", None),
        ("发票和病历.pdf", None),
        ("身份证.jpg", None),
        ("invoice.jpg", "invoice"),
    ],
)
def test_a_file_name_may_say_what_it_is(name: str, kind: str | None) -> None:
    assert paper_of_filename(name) == kind
