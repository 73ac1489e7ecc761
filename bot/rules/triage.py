"""From a complaint in a parent's words to the departments that see to it (手册·医疗服务 M3).

Only which door to knock at: no diagnosis, no urgency. What no line fits is for the triage
service's staff; danger signs never come here, the emergency answer takes them before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Direction:
    """A department, the name of the sign that leads to it, and parents' words for the sign."""

    department: str
    sign: str
    words: re.Pattern[str]


def _line(department: str, sign: str, words: str) -> Direction:
    return Direction(department, sign, re.compile(words))


# The more particular a sign, the higher it stands; the last line is for what any child has.
DIRECTIONS: tuple[Direction, ...] = (
    _line("眼科", "eyes", r"眼|视力|近视|远视|斜视|弱视|流泪|麦粒肿|针眼"),
    _line("口腔科", "mouth", r"牙|蛀|口腔|嘴里.{0,4}(?:泡|烂|破|溃)|口疮"),
    _line("耳鼻喉科", "ear_nose_throat", r"耳|鼻|打呼|打鼾|腺样体|扁桃体|嗓子|喉咙|咽|听力|声音.{0,3}哑"),
    _line("小儿皮肤科", "skin", r"皮肤|皮疹|疹子|红点|红疹|湿疹|荨麻疹|痒|起包|疙瘩|痱子|脱皮|水泡|胎记|痣|疣"),
    _line("小儿骨科", "bones", r"骨|关节|腿疼|脚疼|腿痛|脚痛|崴|扭伤|走路|内八|外八|X型|O型|罗圈|脊柱|高低肩|一瘸|跛"),
    _line("小儿心内科", "heart", r"心脏|心跳|心慌|杂音|早搏|胸闷|先心"),
    _line("小儿呼吸科", "breathing", r"咳|喘|痰|肺|支气管|憋气|呼噜"),
    _line("小儿消化科", "stomach", r"肚子|腹|拉稀|拉肚子|腹泻|便秘|大便|便便|呕吐|吐奶|吐了|反流|胀气|不消化|胃|恶心|黄疸"),
    _line("小儿外科", "injury", r"疝|包皮|蛋蛋|阴囊|隐睾|鞘膜|磕|摔|割|伤口|缝针|肿块|包块|烫伤|甲沟炎|脐"),
    _line("心理咨询", "mind", r"情绪|焦虑|抑郁|自闭|多动|厌学|注意力|强迫|不说话|发脾气|抽动"),
    _line("儿童保健", "growth", r"长高|不长个|身高|体重|矮|发育|说话晚|不会走|不会爬|挑食|不吃饭|厌食|喂养|早熟|睡眠|夜醒|尿床|缺钙|贫血"),
    _line("小儿内科", "general", r"烧|热|感冒|流涕|头疼|头痛|头晕|没精神|不舒服|生病|淋巴|尿|手足口|水痘|腮腺"),
)  # fmt: skip
# Seen by the general department where there is no special one.
GENERAL = "小儿内科"


def departments_for(complaint: str) -> list[Direction]:
    """Give the departments that a complaint leads to, at most two, the most particular first.

    Args:
        complaint: In the parent's words.

    Returns:
        Empty if nothing in it is known.
    """
    return [line for line in DIRECTIONS if line.words.search(complaint)][:2]
