"""Whether one thing is paid for: what the manual states, item by item, and where it is silent.

A stated item names its section; whether it is paid in a case is decided by the settlement, and
amounts are data of the plan. A silent item is one that parents ask for and the manual does not
name: for it there is no answer but that.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class CoverItem:
    """Something that parents ask to be paid for.

    Attributes:
        name: Names the item's text or its name in the replies.
        words: How parents call it.
        section: The manual's section that states something of it; None if none does.
        rules: The ids of the rules behind that.
        benefit: The plan's benefit that it is counted under, if the manual or the plan says so.
    """

    name: str
    words: re.Pattern[str]
    section: str | None = None
    rules: tuple[str, ...] = ()
    benefit: str | None = None

    @property
    def stated(self) -> bool:
        """Whether the manual says anything of it."""
        return self.section is not None


def _item(
    name: str,
    words: str,
    section: str | None = None,
    rules: tuple[str, ...] = (),
    benefit: str | None = None,
) -> CoverItem:
    return CoverItem(name, re.compile(words, re.IGNORECASE), section, rules, benefit)


# Particular things come before what they are part of: 住院床位费 is a bed first.
ITEMS: tuple[CoverItem, ...] = (
    _item(
        "dental",
        r"牙|口腔|正畸|窝沟|涂氟",
    ),
    _item(
        "optical",
        r"近视|远视|散光|配镜|眼镜|镜片|角膜塑形|OK镜|离焦|弱视|斜视训练|验光|阿托品",
    ),
    _item(
        "bed",
        r"床位|病房费|单人间|单间|vip病房",
    ),
    _item(
        "companion",
        r"陪护|护工|陪床|陪住|月嫂",
    ),
    _item(
        "meals",
        r"膳食|伙食|餐费|住院吃饭",
    ),
    _item(
        "ambulance",
        r"救护车|急救车|转运",
    ),
    _item(
        "chinese_medicine",
        r"中医|中药|推拿|针灸|捏脊|艾灸|三伏贴|膏方",
    ),
    _item(
        "supplements",
        r"营养品|保健品|奶粉|维生素|维[ad]|益生菌|钙片|鱼油",
    ),
    _item(
        "congenital",
        r"先天|出生缺陷|遗传病",
    ),
    _item(
        "preexisting",
        r"既往|投保前|带病|以前就有|老毛病|旧病",
    ),
    _item(
        "allergy_test",
        r"过敏原|脱敏",
    ),
    _item(
        "genetic",
        r"基因|染色体",
    ),
    _item(
        "growth",
        r"生长激素|矮小|性早熟|骨龄|增高",
    ),
    _item(
        "cosmetic",
        r"整形|美容|祛疤|疤痕|胎记|瘢痕|双眼皮",
    ),
    _item(
        "accident",
        r"意外险|意外(?:伤害)?|摔伤|烫伤|骨折|磕伤|狗咬|猫抓|车祸",
    ),
    _item(
        "drugs",
        r"进口药|自费药|外购药|院外(?:购|买)药|药店|特效药|网上买药|丙类|乙类",
    ),
    _item(
        "abroad",
        r"国外|海外|境外|出国|香港|澳门|台湾",
    ),
    _item(
        "elsewhere",
        r"异地|外地|老家|跨省",
    ),
    _item(
        "rehabilitation",
        r"康复|感统|语言训练|早教|干预训练",
    ),
    _item(
        "newborn",
        r"新生儿|黄疸|保温箱|早产",
    ),
    _item(
        "registration",
        r"挂号费|诊查费|号费|特需费|诊费",
    ),
    _item(
        "attention",
        r"多动|抽动|ADHD|注意力|发育迟缓|智力",
    ),
    _item(
        "traffic",
        r"路费|交通费|打车|住宿|误工",
    ),
    _item(
        "deductible",
        r"免赔|起付线|赔付比例|报销比例|报多少比例|百分之几|等待期",
    ),
    _item(
        "excluded",
        r"免责|除外|不赔的|不保的|哪些不[赔保报]",
        "手册·疫苗责任",
        ("X3",),
    ),
    _item(
        "counselling",
        r"心理|抑郁|自闭|强迫症|缄默|失读|成瘾|情感障碍|自卑",
        "手册·医疗服务",
        ("M7",),
    ),
    _item(
        "equipment",
        r"雾化(?:器|机|仪)|制氧机|呼吸机|轮椅|助听器|矫形器|支具|吸痰器|血糖仪|"
        r"医疗(?:器械|设备)",
        "手册·事先授权",
        ("P2",),
    ),
    _item(
        "serious_treatment",
        r"化疗|放疗|放射治疗|质子|重离子|透析|免疫(?:治疗|疗法)|内分泌治疗|肿瘤|癌|"
        r"白血病|重疾|重大疾病",
        "手册·事先授权",
        ("P2",),
    ),
    _item(
        "large_examination",
        r"核磁|磁共振|MRI|(?<![A-Za-z])CT(?![A-Za-z])|PET|大型检查|胃肠?镜|肠镜|脑电图|"
        r"睡眠监测",
        "手册·事先授权",
        ("P2",),
    ),
    _item(
        "surgery",
        r"手术|开刀|切除|全麻|微创|包皮|扁桃体|腺样体|疝",
        "手册·事先授权",
        ("P2",),
    ),
    _item(
        "internet",
        r"互联网|网上(?:问诊|看病|开药|复诊)|线上(?:问诊|看病|开药|复诊)|在线复诊",
        "手册·理赔流程",
        ("C3",),
    ),
    _item(
        "online_consultation",
        r"图文问诊|在线问诊",
        "手册·医疗服务",
        ("M2",),
    ),
    _item(
        "lectures",
        r"讲座|健康课",
        "手册·医疗服务",
        ("M5",),
    ),
    _item(
        "vaccine",
        r"疫苗|接种|预防针|打针",
        "手册·疫苗责任",
        ("X2", "X3"),
        "vaccine",
    ),
    _item(
        "health_checks",
        r"体检|健康检查|儿保|生长监测",
        "手册·疫苗责任",
        ("X1",),
        "health_checks",
    ),
    _item(
        "private",
        r"私立|诊所|门诊部",
        "手册·就医流程",
        ("V1", "C5"),
    ),
    _item(
        "special",
        r"特需|国际部|VIP门诊",
        "手册·就医流程",
        ("V2",),
    ),
    _item(
        "inpatient",
        r"住院|出院",
        "手册·事先授权",
        ("P2", "V4"),
        "inpatient",
    ),
    _item(
        "outpatient",
        r"门诊|急诊|看病|感冒|发烧|咳嗽|肺炎|湿疹",
        "手册·理赔流程",
        ("C1",),
        "outpatient",
    ),
)


def find_item(text: str) -> CoverItem | None:
    """Find the item that a question about cover names (手册·电子保险卡 E2); None for none known."""
    return next((item for item in ITEMS if item.words.search(text)), None)
