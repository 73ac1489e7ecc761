"""Questions about things that the manual never mentions: terms of a contract, prices, ratios.

To a classifier they look like the questions beside them that it does answer: "门诊单次封顶多少" like
a balance, "续保要提前几天" like a deadline. What is said of those would be a wrong answer to these,
so the terms themselves decide. Left out is whatever the manual or a plan's data can tell.
"""

from __future__ import annotations

import re

_CONTRACT = (
    r"犹豫期|冷静期|反悔期|宽限期|观察期|等待期|等候期|退保|退费|退钱给|退多少|续保|(?<!手)续费|续期|续约|停保|断保|复效|保费|保险费(?!用)|缴费期|交费期|"
    r"分(?:几|多少|[一二三四六十\d]+)?期(?:付|交|缴)|月缴|年缴|(?:一年|每年|一个月|每月)[^,。]{0,6}(?:交|缴|要)(?:多少|几)|多少(?:钱|米|块)(?:一年|一个月|一份)|"
    r"(?:这|个|份)保险[^,。报赔保]{0,4}(?:多少(?:钱|米|块)|几个钱)|[买投](?:这个|这份|一份)?(?:保险)?[^,。报赔]{0,3}(?:多少钱|价格|贵不贵)|"
    r"受益人|现金价值|保单贷款|健康告知|既往症|告知(?:义务|没)|投保年龄|承保年龄|几岁(?:能|可以|还能)?[买投]|(?:满|多大|多少天|几个月|几岁|[\d一二三四五六七八九十]+岁)[^,。]{0,5}(?:[能可]以?)?(?:买|投保|参保)|"
    r"免赔|起付|deductible|premium|waiting period|cooling.?off|renew|instal+ment|sum insured|beneficiary"
)
_PAYS = (
    r"(?:报销|赔付|赔|给付|报|付)?(?:的)?比例|百分之(?:几|多少)|几成|percent|(?:单|每)次(?:门诊|住院|看病|就诊)?[^,。]{0,6}(?:封顶|限额|上限|最多)|"
    r"(?:门诊|住院|看病|就诊)[^,。]{0,3}(?:单|每)次[^,。]{0,6}(?:封顶|限额|上限|最多)|(?:一|每)(?:天|日|晚)[^,。打问叫来约看]{0,6}(?:封顶|限额|上限|最[多高]|报多少|赔多少|给多少)|"
    r"床位费|陪护费|陪床费|护工费|护理费|伙食费|膳食费|误工费|营养费|交通费|路费|住院津贴|津贴|补贴|身故|死亡赔|意外险|伤残|残疾|重(?:大)?疾(?:病)?[^,。]{0,6}(?:赔|给|确诊)|"
    r"确诊[^,。]{0,4}(?:赔|给)(?:多少|几)|一次性(?:给|赔)|救护车[^,。]{0,8}(?:多少|最[高多]|报|赔|钱)|押金[^,。]{0,6}(?:你们|先垫|能不能垫)"
)
_PRICES = (
    r"(?:挂号|诊疗|专家|特需)(?:费|的钱)[^,。]{0,6}(?:多少|贵|几[十百千])|(?:洗牙|补牙|拔牙|正畸|矫正|涂氟|窝沟|配眼镜|眼镜|核磁|ct|手术|体检|看牙|一针|打一针)[^,。额余剩还]{0,8}"
    r"(?:多少钱|收多少|几[百千万](?!以上)|要花多少|得花多少|花多少|什么价|价格|价钱|贵不贵)|how much (?:does|is|do) (?:a|an|it|the)? ?(?:mri|ct|visit|vaccine|surgery|consultation) cost"
)
_LIMITS = (
    r"(?:电话|图文|在线|线上|网上)?问诊[^,。]{0,4}(?:一年|每年|一个月|每月)[^,。]{0,5}(?:几次|多少次|次数)|(?:问诊|咨询|讲座|心理|陪诊|协助)[^,。]{0,8}(?:限几次|几次机会|次数限制|有次数)|"
    r"(?:医保|社保)(?:卡)?[^,。]{0,10}(?:一起|同时|叠加|合并|冲突|报完|先|结合|抵)|(?:国外|海外|境外|香港|澳门|台湾|日本|美国|韩国|泰国)[^,。]{0,8}(?:看病|就医|医院|报|赔|认|能用|可以用|治)|overseas|abroad|"
    r"(?:医生|大夫|短信|消息|客服)[^,。]{0,8}(?:几|多少)分钟|回放|录播|有货|缺货|断货|库存|(?:协助|陪诊|陪同)[^,。]{0,6}几点|"
    r"积分|优惠券|折扣|打折|打几折|推荐有奖|送什么礼"
)
TERMS = re.compile("|".join((_CONTRACT, _PAYS, _PRICES, _LIMITS)), re.IGNORECASE)


def asks_for_the_unstated(text: str) -> bool:
    """Tell whether a text names something that neither the manual nor a plan's data tell.

    Args:
        text: Plain text (see :func:`bot.nlu.normalise.plain`).
    """
    return TERMS.search(text) is not None
