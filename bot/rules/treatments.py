"""What the words of a question say of a planned treatment (手册·事先授权 P2).

The manual names kinds of treatment, parents name treatments. Here a word stands for a fact only
where the manual leaves no doubt; what it does not define (which examinations are large ones,
whether pulling a tooth is surgery) stays unknown. Texts are normalised: simplified, half-width.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from bot.rules.authorizations import Setting, Therapy, TreatmentCase

LONGEST_TREATMENT = 200
_CENT = Decimal("0.01")


class Said(StrEnum):
    """What kind of treatment a word names; the order is that of precedence."""

    CHEMOTHERAPY = "chemotherapy"
    RADIOTHERAPY = "radiotherapy"
    TUMOUR_IMMUNOTHERAPY = "tumour_immunotherapy"
    TUMOUR_ENDOCRINE_THERAPY = "tumour_endocrine_therapy"
    PROTON_HEAVY_ION = "proton_heavy_ion"
    DIALYSIS = "dialysis"
    EQUIPMENT = "equipment"
    EXAMINATION = "examination"  # the manual does not say which ones are large
    SURGERY = "surgery"
    INPATIENT = "inpatient"
    ANAESTHESIA = "anaesthesia"
    UNDEFINED = "undefined"  # named nowhere in the manual, and no everyday visit either
    ORDINARY = "ordinary"


_OPERATED = (
    r"(?:腺样体|扁桃[体腺]|腹股沟疝|疝气?|斜视|阑尾炎?|包皮|隐睾|骨科|骨折|舌系带|鞘膜积液|心脏|先心病?|白内障|上睑下垂|唇腭裂|"
    r"腭裂|兔唇|多指|并指|血管瘤|黑?痣|人工耳蜗|耳蜗|脊柱侧弯|脊柱|髋关节?|鼻息肉|肠套叠|肾结石|泌尿|眼睑?|微创|日间|小|大)"
)
_WORDS: tuple[tuple[Said, str], ...] = (
    (Said.CHEMOTHERAPY, r"化疗|化学治疗|chemo(?:therapy)?"),
    (Said.RADIOTHERAPY, r"放疗|放射治疗|radiotherapy"),
    (
        Said.TUMOUR_IMMUNOTHERAPY,
        r"(?:肿瘤|癌症?|白血病)的?免疫(?:治疗|疗法)?|car-?t|pd-?1",
    ),
    (Said.TUMOUR_ENDOCRINE_THERAPY, r"(?:肿瘤|癌症?)的?内分泌(?:治疗|疗法)?"),
    (Said.PROTON_HEAVY_ION, r"质子(?:重离子)?(?:治疗)?|重离子(?:治疗)?|proton therapy"),
    (Said.DIALYSIS, r"(?:血液|腹膜)?透析|血透|腹透|dialysis"),
    (
        Said.EQUIPMENT,
        r"[雾物务]化(?:器|机|仪)(?:及?(?:面罩|配件|配套器械))?|制氧机|呼吸机|轮椅|助听器|矫形器|支具|矫形鞋|"
        r"吸痰(?:器|机)|胰岛素泵|耐用医疗(?:器械|设备)|医疗(?:器械|设备)|(?:买|租|购买)[^,。]{0,6}(?:仪器|机器|设备)|"
        r"nebuli[sz]er|wheelchair",
    ),
    (
        Said.EXAMINATION,
        r"(?:无痛|全麻|电子)?胃肠?镜|肠镜|鼻?内镜|支气管镜|纤支镜|(?:增强|平扫)?核[磁词](?:共振)?|磁共振|"
        r"(?<![a-z])mri(?![a-z])|pet-?\s?ct|(?:增强|平扫)?(?<![a-z])ct(?![a-z])(?:检查)?|电脑断层|造影|"
        r"基因(?:检测|检查|测序)|全外显子|(?:视频|长程|24小时)?脑电(?:图|监测)?|睡眠(?:呼吸)?监测|心脏彩超|"
        r"大型检查|大检查|过敏原(?:全套|检测)?|骨扫描",
    ),
    (
        Said.SURGERY,
        rf"{_OPERATED}?(?:切除|矫正|修补|环切|摘除|消融|剥离|松解)?手[术数朮]|"
        rf"{_OPERATED}(?:切除术?|矫正术?|修补术?|环切|摘除|消融|剥离|松解)|开刀|动刀|"
        r"(?:割|切|拿掉|摘)(?:个|一下)?(?:腺样体|扁桃[体腺]|包皮|阑尾)|(?:取|打)钢[针钉板]|surgery|operation|circumcision|adenoidectomy|tonsillectomy",
    ),
    (
        Said.INPATIENT,
        r"住院|入院|住进?(?:[一二三四五六七八九两\d几]+)(?:天|晚)院?|收住|病房|inpatient|hospitali[sz]\w*|admi(?:t|tted|ssion)",
    ),
    (Said.ANAESTHESIA, r"全麻|全身麻醉|general an(?:a)?esthe\w*"),
    (
        Said.UNDEFINED,
        r"拔牙|补牙|牙髓|根管|生长激素|靶向药|脱敏|过敏针|免疫(?:治疗|疗法)|内分泌(?:治疗|疗法)|康复(?:治疗|训练)?|"
        r"感统训练|语言训练|笑气|缝针|激光|射频|介入|穿刺|输血",
    ),
    (
        Said.ORDINARY,
        r"感冒|发烧|发热|咳嗽|拉肚子|腹泻|湿疹|皮疹|普通门诊|看门诊|门诊看病|普通看病|看(?:个|下)?病|"
        r"配药|开药|拿药|复诊|挂号|抽血|验血|血常规|验尿|化验|x光|拍(?:个|张)?片(?:子)?|胸片|b超|换药|"
        r"(?:打|换|拆)?石膏|拆线|输液|挂水|打点滴|吊水|打针|疫苗|预防针|体检|做雾化|雾化(?:治疗|吸入)|"
        r"配眼镜|验光|小儿推拿",
    ),
)
_WORD = re.compile("|".join(f"(?P<{kind.value}>{words})" for kind, words in _WORDS), re.I)
# "不住院" is no stay; "要不要住院" and "没法不住院" are.
_NOT = re.compile(
    r"(?<![要用需是会能法])(?:不|没|没有|无需|无须|并非|非|免)(?:是|要|用|做|打|必|需要?|想|涉及)?$"
)
_OUTPATIENT = re.compile(r"门诊|当天回|不住院|不用住院|outpatient", re.I)
# "算住院吗" asks what it is.
_ASKED = re.compile(r"(?:算不算|算是?|属于|是不是)$")
# Before or after an amount: of all together, not of one item.
_TOTAL_BEFORE = re.compile(
    r"(?:累计|累积|总共|一共|总计|合计|共计|共|加起来|加在一起|总价|总额|全年|一年|每年|每月|每个月|一个月|全部|"
    r"保险期内?|疗程|预计费用|医疗费用?|前前后后|前后|已经|花了|用了|用掉|花掉|总费用|费用估计|费用预计)[^,。;!?]{0,8}$"
)
_TOTAL_AFTER = re.compile(r"^(?:块钱|元|块|多)*(?:每|一个?|/)(?:月|年|疗程)")
_MORE = re.compile(r"多|出头|以上|几|\+")
_ABOVE = re.compile(r"(?<![不没])(?:超过|超|高于|大于|不止|以上)了?$")
_UP_TO = re.compile(r"(?:不到|不超过|没超过|不足|以内|快要?|将近|接近|差不多|大概|大约|约)$")


@dataclass(frozen=True)
class SaidAmount:
    """An amount in CNY and where it stands in the text."""

    value: Decimal
    start: int
    end: int


@dataclass(frozen=True)
class Treatment:
    """What a text says of a treatment.

    Attributes:
        words: The words that name it, as they were said, in order.
        kinds: What they name.
        case: The facts that they leave no doubt about; amounts in CNY.
        ordinary: Whether only everyday outpatient care is named, which P2 does not list.
    """

    words: tuple[str, ...]
    kinds: frozenset[Said]
    case: TreatmentCase
    ordinary: bool

    @property
    def undefined(self) -> bool:
        """Whether something is named that the manual neither lists nor defines."""
        return bool(self.kinds & {Said.EXAMINATION, Said.UNDEFINED})


_THERAPIES = {
    Said.CHEMOTHERAPY: Therapy.CHEMOTHERAPY,
    Said.RADIOTHERAPY: Therapy.RADIOTHERAPY,
    Said.TUMOUR_IMMUNOTHERAPY: Therapy.TUMOUR_IMMUNOTHERAPY,
    Said.TUMOUR_ENDOCRINE_THERAPY: Therapy.TUMOUR_ENDOCRINE_THERAPY,
    Said.PROTON_HEAVY_ION: Therapy.PROTON_HEAVY_ION,
    Said.DIALYSIS: Therapy.DIALYSIS,
}


def read_treatment(text: str, amounts: Iterable[SaidAmount] = ()) -> Treatment:
    """Read what a text says of a planned treatment (手册·事先授权 P2).

    Args:
        text: A normalised message.
        amounts: The amounts of money in it, in CNY.

    Returns:
        The words, and the facts that they leave no doubt about. Everyday outpatient care that is
        named alone is known to be neither stay nor surgery nor therapy nor equipment.
    """
    found = _named(text)
    kinds = frozenset(kind for kind, _ in found)
    single, total = _amounts(text, list(amounts))
    therapies = frozenset(_THERAPIES[kind] for kind in kinds if kind in _THERAPIES)
    surgery = Said.SURGERY in kinds
    # A tooth pulled asleep is outpatient surgery under general anaesthesia; an examination asleep
    # is no surgery, and the manual says nothing of it.
    asleep = Said.ANAESTHESIA in kinds and Said.EXAMINATION not in kinds
    inpatient = Said.INPATIENT in kinds
    ordinary = kinds == {Said.ORDINARY}
    case = TreatmentCase(
        setting=_setting(text, inpatient=inpatient, known=ordinary or (asleep and not surgery)),
        surgery=True if surgery or asleep else None,
        general_anaesthesia=True if Said.ANAESTHESIA in kinds else None,
        therapies=therapies or None,
        large_examination=True if re.search(r"大型检查", text) else None,
        durable_equipment=True if Said.EQUIPMENT in kinds else None,
        single_item_amount=single,
        expected_total_in_period=total,
    )
    if ordinary:
        case = replace(
            case,
            surgery=False,
            general_anaesthesia=False,
            therapies=frozenset(),
            large_examination=False,
            durable_equipment=False,
        )
    return Treatment(tuple(dict.fromkeys(word for _, word in found)), kinds, case, ordinary)


def _setting(text: str, *, inpatient: bool, known: bool) -> Setting | None:
    if inpatient:
        return Setting.INPATIENT
    return Setting.OUTPATIENT if known or _OUTPATIENT.search(text) else None


def _named(text: str) -> list[tuple[Said, str]]:
    found = []
    for match in _WORD.finditer(text):
        kind = Said(str(match.lastgroup))
        before = text[: match.start()]
        if _NOT.search(before) or _ASKED.search(before):
            continue
        found.append((kind, match.group()))
    return found


def _amounts(text: str, said: list[SaidAmount]) -> tuple[Decimal | None, Decimal | None]:
    singles: list[Decimal] = []
    totals: list[Decimal] = []
    for amount in said:
        before, after = text[: amount.start], text[amount.end :]
        value = amount.value
        more = _MORE.search(text[amount.start : amount.end]) or _MORE.match(after)
        if _ABOVE.search(before) or (more and not _UP_TO.search(before)):
            # "五千多" is above five thousand, by how much does not matter.
            value += _CENT
        whole = _TOTAL_BEFORE.search(before) or _TOTAL_AFTER.match(after)
        (totals if whole else singles).append(value)
    total = max(totals) if totals else None
    if totals and singles and re.search(r"已经|花了|用了|累计|用掉|花掉", text):
        # What is used already and what is planned make up the whole.
        total = max(totals) + max(singles)
    return (max(singles) if singles else None), total
