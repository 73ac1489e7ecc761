"""What neither the manual nor a plan's data tell."""

import pytest

from bot.nlu.normalise import plain
from bot.nlu.unstated import asks_for_the_unstated


@pytest.mark.parametrize(
    "text",
    [
        "免赔额多少",
        "有没有等待期啊",
        "保費一年幾多",
        "住院床位费一天最多报多少",
        "门诊单次有封顶吗",
        "私立报销比例是百分之几",
        "洗牙一次多少钱",
        "孩子满多少天能投保",
        "what is the deductible",
        "去香港看病认不认",
        "确诊以后一次性给多少",
        "预约短信几分钟能来",
        "水痘疫苗现在有货吗",
        "讲座能看回放吗",
    ],
)
def test_terms_that_the_manual_never_mentions(text: str) -> None:
    assert asks_for_the_unstated(plain(text))


@pytest.mark.parametrize(
    "text",
    [
        "还剩多少额度",
        "疫苗还有多少钱可以打",
        "打针的手续费报吗",
        "我要报销一千二",
        "帮我约特需门诊",
        "几点能打电话问医生",
        "最晚几点取消",
        "copay多少钱，在哪付",
        "住院要不要授权",
        "验证码几分钟过期",
        "在国外有时差，医生几点上班",
    ],
)
def test_what_is_told(text: str) -> None:
    assert not asks_for_the_unstated(plain(text))
