"""Words for what the service knows by name: kinds of claim, plans, treatments."""

from __future__ import annotations

import re

# In the order of precedence: a clinic's outpatient visit is a clinic's first of all.
CLAIM_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "network_clinic",
        re.compile(
            r"私立(?:诊所|医院|机构|门诊部?|医疗机构)?|诊所|门诊部|网络内|网络(?:医院|机构|医疗)",
            re.I,
        ),
    ),
    (
        "internet",
        re.compile(
            r"互联网(?:医院|问诊|诊疗|门诊|复诊|看病)?|线上(?:复诊|问诊|看病|看诊|开药|看的|就诊)|"
            r"网上(?:复诊|问诊|看病|看的|看诊|开药|就诊)|在线(?:复诊|问诊|看病|就诊)|网络问诊|网诊|云(?:问诊|门诊)|"
            r"app上?(?:问诊|复诊|看病)|online (?:consult\w*|visit)|telemedicine",
            re.I,
        ),
    ),
    (
        "public_inpatient",
        re.compile(
            r"住院|出院|住了(?:[一二三四五六七八九十两\d]+|几)(?:天|晚|宿)院?|inpatient|hospitali[sz]ed|discharged?",
            re.I,
        ),
    ),
    (
        "vaccination",
        re.compile(
            r"(?:打|接种|种|注射|补打|自费)(?:的|了)?(?:[^,。!?]{0,6})?(?:疫苗|预防针)|疫苗|预防针|接种|vaccin\w*",
            re.I,
        ),
    ),
    (
        "public_outpatient",
        re.compile(
            r"门急诊|门诊|急诊|挂号看病|看门诊|看急诊|outpatient|emergency room|\ber\b", re.I
        ),
    ),
)
NEGATION = re.compile(r"(?:不是|没有|没|不算|不用|并非|非|又不是|还没)(?:去|打|看|是)?$")

_PLAN = re.compile(
    r"(?P<head>[优尤友忧][享想向亨相]|[成程城][长涨张])\s*"
    r"(?P<tail>(?:\s*(?:plus|puls|plu|pls|\+|普拉斯|加强|max|mex|麦克斯|马克斯|顶配))*)\s*(?P<plan>计划|计化|计画|版|套餐|款)?",
    re.I,
)
_PLUS = re.compile(r"plus|puls|plu|pls|\+|普拉斯", re.I)
_MAX = re.compile(r"max|mex|麦克斯|马克斯", re.I)


def find_plans(text: str) -> list[tuple[str, int, int]]:
    """Return the plans named in a normalised text: name as on the policy, start, end.

    The series 成长优享 is no plan, and neither is 优享 or 成长 alone.
    """
    found = []
    for match in _PLAN.finditer(text):
        tail = match.group("tail") or ""
        plus, best = bool(_PLUS.search(tail)), bool(_MAX.search(tail))
        grown = match.group("head")[0] in "成程城"
        if not (plus or best or match.group("plan")) or (grown and best):
            continue
        series = match.start() >= 2 and text[match.start() - 2 : match.start()] == "成长"
        if not grown and series and not match.group("plan") and not best:
            continue
        head = "成长" if grown else "优享"
        middle = "PLUS MAX" if plus and best else "PLUS" if plus else "MAX" if best else ""
        found.append((f"{head}{middle}计划", match.start(), match.end()))
    return found


# Canonical names of what may need prior authorization, and how parents call it.
TREATMENTS: tuple[tuple[str, str], ...] = (
    (
        "腺样体切除手术",
        r"腺样体(?:切除|手术|消融|剥离)|(?:割|切|做|拿掉)(?:个)?腺样体|adenoidectomy",
    ),
    ("扁桃体切除手术", r"扁桃[体腺](?:切除|手术)|(?:割|切|做)(?:个)?扁桃[体腺]|tonsillectomy"),
    ("疝气手术", r"疝气?(?:手术|修补)|(?:做|修)疝气?"),
    ("包皮手术", r"包皮(?:环切|手术)|割包皮|circumcision"),
    ("斜视手术", r"斜视(?:矫正)?手术"),
    ("阑尾手术", r"阑尾(?:炎)?(?:手术|切除)|割阑尾"),
    ("全麻手术", r"全麻(?:手术)?|全身麻醉"),
    ("手术", r"手术|开刀|动刀|切除术?|surgery|operation"),
    ("核磁共振", r"核磁(?:共振)?|磁共振|\bmri\b"),
    ("CT检查", r"(?:增强|平扫)?ct(?![a-z])(?:检查)?"),
    ("PET-CT检查", r"pet-?\s?ct"),
    ("胃肠镜检查", r"(?:无痛)?(?:胃肠?镜|肠镜|内镜)"),
    ("基因检测", r"基因(?:检测|检查|测序)|全外显子"),
    ("脑电图", r"(?:视频|长程|24小时)?脑电(?:图|监测)?"),
    ("睡眠监测", r"睡眠(?:呼吸)?监测"),
    ("化疗", r"化疗|chemo(?:therapy)?"),
    ("放疗", r"放疗|放射治疗|radiotherapy"),
    ("免疫治疗", r"(?:肿瘤)?免疫(?:治疗|疗法)|car-?t|pd-?1|immunotherapy"),
    ("内分泌治疗", r"(?:肿瘤)?内分泌治疗"),
    ("质子重离子治疗", r"质子(?:重离子)?(?:治疗)?|重离子(?:治疗)?"),
    ("透析", r"(?:血液|腹膜)?透析|血透|腹透|dialysis"),
    ("雾化器", r"雾化(?:器|机|仪)|nebuli[sz]er"),
    ("制氧机", r"制氧机"),
    ("呼吸机", r"(?:家用)?呼吸机"),
    ("轮椅", r"轮椅"),
    ("助听器", r"助听器"),
    ("矫形器", r"矫形器|支具|矫形鞋"),
    ("吸痰器", r"吸痰(?:器|机)"),
    ("血糖仪", r"血糖仪|胰岛素泵"),
    ("医疗器械", r"(?:耐用)?医疗(?:器械|设备)"),
    (
        "住院",
        r"住院|入院|住(?:[一二三四五六七八九十两\d几]+)(?:天|晚)院|inpatient|hospitali[sz]\w*",
    ),
    ("雾化治疗", r"做雾化|雾化(?:治疗)?"),
    ("输液", r"输液|挂水|打点滴|吊水"),
    ("康复治疗", r"康复(?:治疗|训练)|感统训练|语言训练"),
)
TREATMENT = re.compile(
    "|".join(f"(?P<t{number}>{words})" for number, (_, words) in enumerate(TREATMENTS)), re.I
)


def treatment_name(match: re.Match[str]) -> str:
    """Return the canonical name of what :data:`TREATMENT` matched."""
    return TREATMENTS[int(str(match.lastgroup)[1:])][0]
