"""How parents name the papers of a claim or an authorization (手册·理赔流程 C6, 事先授权 P3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The word alone does not say whose: the child's or the guardian's.
ID_UNCLEAR = "id_unclear"
_MINE = r"监护人|家长|大人|爸爸|妈妈|父亲|母亲|父母|我们?|俺|爷爷|奶奶|投保人"
_CHILDS = r"孩子|小孩|宝宝|宝贝|娃娃?|儿子|女儿|被保险?人|小朋友"
_SIDE = r"(?:照片?|复印件|原件|正反面|正面|反面|国徽面|人像面)*"
_ID = rf"(?:身份证件?|身份证明|证件|户口[本簿页]?|护照){_SIDE}"
# In this order: what is found first hides what is inside it ("处方票据" is no "票据").
_WORDS: tuple[tuple[str, str], ...] = (
    ("claim_form", r"理赔申请[表书单]|理赔[表单]|申请[表书]|索赔[表单]|claim form"),
    ("birth_certificate", r"出生(?:医学)?证明?|birth certificate"),
    ("discharge_summary", r"出院(?:小结|记录|证明|总结|单)?"),
    ("examination_order", r"检查(?:申请|预约)?单|医嘱单?|[住入]院(?:证|通知单?)|开单"),
    ("cost_estimate", r"(?:费用|价格)?(?:预估|估算|估价|报价)(?:单|表)?|预[算计]费用|费用预算"),
    ("prescription_receipt", r"处方(?:的)?(?:电子)?(?:票据?|发票|收据|单|笺)?"),
    ("consultation_receipt", r"问诊(?:的)?(?:电子)?(?:票据?|发票|收据|单|记录)?"),
    ("itemised_bill", r"(?:费用)?明细(?:清单|单|表)?|(?:费用|收费)?清单|费用单"),
    ("invoice", r"发[票飘漂]|票据|收费票|收据|fapiao|invoice|小票"),
    ("medical_record", r"(?:门诊|急诊|就诊|电子|住院)?病[历例厉][本册卡]?|诊断证明|诊断书"
     r"|就诊记录|门诊记录|病情证明|(?:检查|化验|检验|B超|彩超|CT|影像)?报告单?|化验单|检验单|疫苗本|接种(?:本|证|记录)|医学资料"),
    ("bank_account", r"银行卡号?|储蓄卡|存折|开户行|卡号"),
    ("e_card", r"电子(?:保险)?卡|保险卡|电子保单|保单"),
    ("guardian_id", rf"(?:{_MINE})(?:本人)?的?{_ID}"),
    ("id_document", rf"(?:{_CHILDS})的?{_ID}|户口[本簿页]?|护照"),
    (ID_UNCLEAR, _ID),
)  # fmt: skip
_KINDS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _WORDS)


@dataclass(frozen=True)
class Named:
    """A kind of paper that a text names, and where."""

    kind: str
    start: int
    end: int


def papers_named(text: str) -> tuple[Named, ...]:
    """Return the kinds of papers that a text names, in its order, each mention once.

    ``ID_UNCLEAR`` stands for an identity card of whom it is not said.
    """
    rest, found = text, []
    for kind, words in _KINDS:
        for match in words.finditer(rest):
            found.append(Named(kind, *match.span()))
        rest = words.sub(lambda match: "\0" * len(match.group()), rest)
    return tuple(sorted(found, key=lambda named: named.start))


def paper_of_filename(name: str) -> str | None:
    """Return the kind of paper that a file's name says, if it says one."""
    kinds = {named.kind for named in papers_named(name)} - {ID_UNCLEAR}
    return kinds.pop() if len(kinds) == 1 else None
