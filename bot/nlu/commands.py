"""Rasa entity extractor: requests about the chat account itself, as the entity ``command``.

They are few and rare and have no intent of their own, so word lists name them, precision first:
what is not plainly such a request is left to the intents. ``bot.command_policy`` acts on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    EXTRACTOR,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.normalise import plain

ENTITY = "command"


@dataclass(frozen=True)
class Command:
    """How a request is worded, and what tells that it is none after all."""

    name: str
    words: re.Pattern[str]
    unless: re.Pattern[str]


# "不想解绑", "先别解绑", "没有解绑": before the words, in the same clause.
_NO = r"(?<![能要想是用])(?:不想|不要|不用|不需要|不必|别|没有?|还没|不能|不准|不该|先不|不是|怎么没|未)(?:再|给我|帮我|把我?|去|要|想|说|让)*[^,。!?]{0,4}"
_DATA = r"(?:数据|信息|资料|隐私|档案|记录)"
_MINE = r"(?:我|我们|我家|我们家|俺|咱|个人|孩子|宝宝|娃|女儿|儿子|本人|家里)(?:们|家)?的?"
_OWN_DATA = rf"(?:{_MINE}){{1,3}}(?:所有|全部|一切|个人|相关|私人|聊天|历史|使用|存的|留的|存储的?|里|在这里|在你们这|那儿?|这边|些|有关)*的?{_DATA}"
_FILE = r"(?:传错|发错|上传|重传|照片|图片|发票|单据|理赔|材料|填错|写错|补|授权|预约)"
_NEVER = r"(?!)"
_REMIND = r"(?:提醒|通知|推送|消息|短信|催)"


def _commands() -> tuple[Command, ...]:
    unbind = (
        r"解(?:除)?绑定?|(?<!直)接绑|解除(?:和|与|跟|对)?[^,。!?]{0,8}(?:绑定|关联)|"
        r"(?:取消|撤销|去掉|撤掉|退出|退掉|注销)(?:了|掉)?(?:和|与|跟|对|我|我的|这个|这张|这份|当前|所有|全部|电子|保险|卡|保单|微信|账号|手机|上|里|的){0,6}(?:绑定|关联)|"
        r"(?:卡|保单)[^,。!?]{0,6}(?:从|在)?(?:我|这个|这台|本人)[^,。!?]{0,6}(?:微信|手机|账号|聊天|这里)[^,。!?]{0,4}(?:去掉|移除|撤掉|删掉|拿掉|撤下)|"
        r"(?<![a-z])un(?:bind|link)(?![a-z])"
    )
    exporting = (
        rf"(?:导出|下载|备份|拷贝|打包|调取|调出|索取|要一份|给我?一份|发我?一份|拿一份|复制)(?:一份|一下|下)?{_OWN_DATA}|"
        rf"{_OWN_DATA}[^,。!?]{{0,6}}(?:导出|下载|备份|打包|发我|给我一份|发一份|拷贝)|"
        rf"(?:你们|你|系统|平台|小助手|这里|这儿|系统里?)(?:都|到底|现在|这里|那里|那边|手里|系统|里)*(?:存|保存|储存|留存?|记录?下?|收集|掌握|保留)(?:着|了|有|下)*(?:关于)?(?:我|我们家?|俺们?)(?:的|家|们|孩子|哪些|什么|啥|些|多少|几|个人|关于)*{_DATA}|"
        rf"^(?:查看?|看看?|查一下|看一下|我要|我想看?|请|麻烦|帮我)*我的(?:个人)?(?:数据|信息)(?:呢|在哪|有哪些|都有什么|是什么)?$|"
        r"(?:export|download|copy of|what) (?:all )?(?:of )?my (?:personal )?data"
    )
    erasing = (
        rf"(?:删除|删掉|删了|删光|清除|清空|清掉|抹掉|抹除|擦除|销毁|去除|清理)(?:一下|掉|了|所有|全部)?(?:你们|这里|系统|平台|存|保存|的|里|关于|有关)*(?:{_OWN_DATA}|{_MINE}(?:账号|账户|帐号|帐户)|聊天记录)|"
        rf"(?:{_OWN_DATA}|{_MINE}(?:账号|账户|帐号|帐户)|聊天记录)[^,。!?]{{0,6}}(?:删除|删掉|删了|全删|都删|删光|清除|清空|清掉|抹掉|抹除|擦除|销毁)|"
        r"(?:注销|销掉)(?:我|我的|这个|本|当前|掉|了)*(?:账号|账户|帐号|帐户|用户)|(?:账号|账户|帐号|帐户)(?:给我|帮我)?(?:注销|销掉)|"
        r"(?:delete|erase|remove) (?:all )?(?:of )?my (?:personal )?(?:data|account|information)"
    )
    muting = (
        rf"(?:别|不要|不用|不想|不必|甭|不需要|请勿|勿|停止|停掉|关闭?掉?|关了|取消|屏蔽|免|静音)(?:再|老|总|总是|一直|天天|每次|给我|向我|帮我|收到?|接收|任何|所有|全部|那些|这些|这种|这类|你们的?|发|推|来|有|了|掉|把)*(?:[^,。!?]{{0,6}}(?:预约|理赔|授权|自付|缴费|回电|截止|取消|服务|活动|改期|问诊|进度|到期|付款)的?)?{_REMIND}|"
        rf"{_REMIND}(?:都|全|全部|功能|什么的|这些|给我|帮我|可以|能不能|能|请|啥的|太多|太烦|好烦|很烦|好多|了|啊|,)*(?:关了|关掉|关闭|停掉|停了|停一停|取消掉?|屏蔽|静音|不要了|不用了|别发了|别再发了?|免了)|"
        r"(?:别|不要|不用)(?:再|老|总|总是|一直)*(?:给我)?(?:发|推)(?:送)?(?:这些|那些|这种)?(?:消息|通知|提醒|短信)|"
        r"(?:消息)?免打扰|(?<![a-z])mute(?![a-z])|stop (?:the )?(?:reminders?|notifications?|reminding)"
    )
    unmuting = (
        r"(?:恢复|重新(?:打开|开启|开|接收|收|启用)?|打开|开启|开通|继续|启用|再开)(?:一下|给我|发|收|接收|所有|全部|那些|这些|被?关掉的|预约|理赔|授权|自付|的|把|我)*(?:提醒|通知|推送)(?!医院|客服|他们)|"
        r"(?:提醒|通知|推送)(?:都|全|全部|功能|给我|帮我|请|再|还是|重新|又)*(?:打开|开启|恢复|开回来|开起来|重新开|启用|开一下)|"
        r"(?:取消|解除)(?:静音|免打扰|屏蔽)|(?<![a-z])unmute(?![a-z])"
    )
    listing = (
        r"(?:有|设了|开了|设置了|关了|关掉了|收到|会收到|会发|能收|订了)(?:哪些|什么|啥|几种|多少)(?:提醒|通知|推送)|(?:哪些|什么|啥)(?:提醒|通知|推送)(?:是)?(?:开|关|打开|关闭)|"
        r"(?:看看?|查看?|查一下|看一下|管理|调整|我要改|修改|设置)(?:我的|一下|下|我)*(?:提醒|通知|推送)(?:设置|列表|开关|有哪些)?$|(?:我的)?(?:提醒|通知|推送)(?:设置|列表|开关)|"
        r"会(?:提醒|通知)我(?:什么|哪些|啥)|你们?(?:都|会)*(?:提醒|通知)我(?:哪些|什么|啥)(?:事|事情|东西)?$"
    )
    number = r"(?<![a-z0-9])f[- ]?\d{5}(?!\d)"
    filed = (
        rf"(?:我(?:的|上次|昨天|前天|之前|上周|那天|提交?|登记|交|刚才)?(?:的|过)?|上次|昨天|前天|之前|上周|那个|刚才)(?:那个|提的?|的)*(?:投诉|意见|反馈|反映|举报)|"
        rf"(?:我(?:上次|昨天|之前|那天|刚才)?(?:提的?|的)|上次提的|之前提的)(?:那个|那条|这个)?建议|{number}|^投诉"
    )
    adding = (
        rf"(?:补充|追加|再加|再说)(?:一下|一点|点|一句|几句|说明|几点)*(?:到|给|进)?[^,。!?]{{0,4}}(?:投诉|建议|意见|反映)(?!电话|热线)|"
        rf"(?:{filed})[^,。!?]{{0,8}}(?:补充|追加|再加(?!急))"
    )
    asking = (
        rf"(?:{filed})[^,。!?]{{0,8}}(?:怎么样|咋样|进度|进展|结果|处理(?:了|到|得|好|完|没)|到哪|答复|回复|回音|下文|办(?:得|到|完|好)|解决(?:了|没)|状态|记录|有没有人)|"
        rf"(?:查|看)(?:一下|下|看|询)*(?:我的)?投诉(?:进度|记录|状态|结果)?$|^{number}(?:呢|[?。!])*$"
    )
    requests = (
        r"(?<![a-z0-9])d[- ]?\d{5}(?!\d)|"
        r"(?:删除?|清除|清空|导出|注销)[^,。!?]{0,6}(?:数据|信息|资料|账号)?的?(?:申请|请求)[^,。!?]{0,6}(?:怎么样|进度|处理|结果|到哪|好了)"
    )
    bound = (
        r"(?:绑定?|关联)(?:了|过|着|有|的|上)*(?:的是)?(?:哪|几|多少|啥|什么|谁)(?:些|个|张|份|几|的)*(?:保单|卡|孩子|娃|电子卡|保险|计划)?|"
        r"(?:看看?|查看?|列出|列)(?:一下|下)?(?:我)?(?:已)?(?:绑定?的|名下的)(?:所有|全部)?(?:保单|电子卡|卡|孩子)|"
        r"我(?:名下|这里|这儿|现在|一共|总共)*有(?:哪些|几份|几张|多少份?|哪几[份张])(?:保单|电子卡|卡|保险)"
    )
    talked_of = (
        r"(?:刚才|刚刚|现在|当前|这个?|那个?|上面|说的|查的)(?:那个|这个|查的|说的|看的|办的|聊的|的|那份|这份|保单|额度|数字|结果|都|到底)*(?:是|算)"
        r"(?:谁|哪个(?:孩子|娃|宝宝?)|老[大二三]|哥哥|姐姐|弟弟|妹妹|[大二三]宝|大的|小的)(?:家)?的?(?:额度|保单|卡|记录)?(?:还是|吗|呢|啊|呀|[?]|$)"
    )
    mine = r"(?:我|我们|我家|我们家|俺|咱|娃|孩子|宝宝|儿子|女儿|闺女|老[大二三]|[大二三]宝)(?:们|家)?的?(?:那张|这张|那个|这个)?"
    whose = f"(?:{mine})?"
    card = (
        rf"^{whose}(?:电子)?(?:保险)?卡(?:片)?(?:现在|目前|今天|还|到底|是不是|怎么|的|已经|又)*"
        r"(?:能不能|能否|可不可以|能|可以|会)?(?:正常)?(?:用|使用|刷|直付|有效|正常|被停|停用|失效|冻结|激活)(?:了|着|的)*(?:没有?|吗|么|嘛|不|呢|啊)?$|"
        rf"^{whose}(?:电子)?(?:保险)?卡(?:是)?(?:什么|啥)状态$|^(?:查|看)(?:一下|下|看)?{whose}(?:电子)?(?:保险)?卡(?:的)?状态$"
    )
    showing = (
        rf"^(?:请|麻烦|帮我|给我|我要|我想|想|能不能|可以)*(?:看看?|查看|打开|出示|调出|显示|找出|亮出|拿出|发|来)(?:一下|一张|一份|张|下|给我|我)*{whose}(?:的)?"
        r"(?:电子(?:保险)?卡|保险卡|卡(?=的?(?:二维码|图)))(?:片)?(?:的)?(?:二维码|图片|图|截图)?(?:给我|一下|看看|看下|看一下|出来|来)*(?:吧|呗|呢)?$|"
        rf"^(?:把|将|麻烦|请|帮我)+{whose}(?:的)?(?:电子(?:保险)?卡|保险卡)(?:的)?(?:二维码|图片|图)?(?:发|给|拿|调|亮)(?:给|出来|出|一下|下|我|看看|看)*$|"
        rf"^{whose}(?:电子(?:保险)?卡|保险卡)(?:的)?(?:二维码|图片|截图)(?:呢|在哪(?:里|儿)?|(?:发|给|拿|调|亮)*(?:给)?(?:我)?(?:看看?|一下|下)?)?$|"
        rf"^{mine}(?:的)?电子(?:保险)?卡(?:呢|给我看看?|发我|发给我|看看|看一下|拿来)?$|"
        r"^(?:就诊|看病|到医院|前台|护士|医院)(?:要|让|叫)?(?:我)?(?:看|出示|扫)(?:一下)?(?:电子)?(?:保险)?卡$|"
        r"^show (?:me )?(?:my |the )?e-?card$"
    )
    places = rf"{mine}(?:电子)?(?:保险)?(?:卡|计划|保单|套餐)[^,，。!?]{{0,4}}(?:能|可以|可)(?:在|去|到)?(?:哪|什么|啥)(?:些|家|几家|里|儿|个)?(?:的)?(?:医院|诊所|地方)?(?:直付|用|刷|看病|就诊|看|直接付)"
    leaving = r"留(?:个|一个|条|一条|下)?(?:言|口信|个信|个消息|条消息)"
    people = r"(?:人工|真人|坐席|客服|工作人员)+(?:服务|那边)?(?:的)?"
    when = r"(?:几点|几时|什么时候|啥时候|什么时间)"
    staffed = (
        rf"^(?:请问|问一下|那么?|你们|这边|咱们?)*(?:的)?{people}(?:都|是|一般|每天|今天|明天|周末|节假日|放假|过年|晚上)*(?:"
        rf"{when}(?:开始|才|能|到{when})*(?:上班|下班|在线?|有人|服务|工作|接|开门|结束)*|(?:上班|工作|服务|在线|值班)(?:的)?时间)(?:是|到{when})*(?:啊|呀|呢|吗|嘛|[?])*$|"
        rf"^(?:请问|问一下|那么?|你们|这边|那边|咱们?)*(?:一般|每天|今天|明天|周末|早上|晚上)*{when}(?:开始|才|能|会)*(?:有人|有真人|有客服|有人工|找得?到人)(?:啊|呀|呢|在|接|值班|工作|[?])*$|"
        rf"^(?:请问|问一下|那么?)*(?:你们|你们公司|公司|这边|那边|咱们?)(?:的)?(?:一般|每天|今天|明天|周末|周六|周日|节假日|放假|过年|早上|晚上)*(?:"
        rf"{when}(?:开始|才)*(?:上班|下班|开门|关门|营业)|(?:上班|办公|营业)(?:的)?时间)(?:是|到{when})*(?:啊|呀|呢|[?])*$"
    )
    # In the order of trying: "取消静音" before what else "取消…提醒" means.
    return tuple(
        Command(name, re.compile(words), re.compile(unless))
        for name, words, unless in (
            ("add_complaint", adding, rf"{_NO}(?:补充|追加)"),
            (
                "check_complaint",
                asking,
                r"^投诉[^,。]{0,5}(?:多久|几天)|一般|通常|(?:要|想|必须|再|就|真|直接|去)(?:再|去)?(?:投诉|举报)(?!的)|投诉(?:你们|他们|电话|热线|渠道)",
            ),
            ("check_data_request", requests, _NEVER),
            ("tell_policy", talked_of, r"换|切|改|转|我要|不是"),
            ("list_policies", bound, r"能|可以|最多|怎么|人|手机|步|分钟|天|次|为什么"),
            (
                "unbind",
                unbind,
                rf"{_NO}(?:解|接|取消|撤|退|去掉)|解绑(?:成功|了吗|了没|了么|好了)|已经?解绑|不解绑|绑定?(?:失败|不了|不上)",
            ),
            ("export_data", exporting, rf"{_NO}(?:导出|下载|备份|发|看)|政策|条款|{_FILE}"),
            (
                "erase_data",
                erasing,
                rf"{_NO}(?:删|清|抹|擦|销|注销|去)|{_FILE}|手机号|号码|误删|恢复|找回",
            ),
            (
                "unmute_reminders",
                unmuting,
                r"(?:不用|不要|别|不想|不必)(?:再)?(?:恢复|重新|打开|开|继续)",
            ),
            (
                "mute_reminders",
                muting,
                r"(?:别|不要)(?:忘|漏)|120|急救|没(?:有)?人(?:通知|提醒)|为什么|为啥|干嘛|怎么(?!关|停|取消|屏蔽|才能|设|不)|没(?:有)?收到|收不到",
            ),
            ("card_status", card, r"怎么用|如何|绑|实体"),
            ("e_card", showing, r"绑|怎么|如何"),
            ("own_hospitals", places, _NEVER),
            (
                "leave_message",
                leaving,
                rf"{_NO}留|[?]|吗|多久|什么时候|怎么|医生|大夫|留了|留过|留的|(?:留言|口信)(?:说|里|写)|收到|已经|刚才|昨天",
            ),
            ("staff_hours", staffed, r"医生|大夫|专家|热线"),
            ("list_reminders", listing, r"没收到|收不到|120|急救|会(?:怎么|用什么)"),
        )
    )


_COMMANDS = _commands()
# Most messages are told apart from commands by these alone.
_ANY = re.compile(
    r"留|上班|下班|营业|开门|关门|办公|人工|真人|客服|坐席|工作人员|有人|到人|卡|e-?card|计划|套餐|绑|关联|刚[才刚]|现在|当前|这|那|上面|说的|查的|投诉|建议|意见|反馈|反映|举报|名下|保单|我.?有|[fd][- ]?\d{5}|申请|请求|数据|信息|资料|隐私|档案|记录|账[号户]|帐[号户]|注销|提醒|通知|推送|消息|短信|免打扰|静音|去掉|移除|撤|删|拿掉|催|"
    r"unbind|unlink|data|account|information|mute|remind|notification"
)


@dataclass(frozen=True)
class Found:
    """A request, and where it stands in the plain text."""

    command: str
    start: int
    end: int


def find_command(text: str) -> Found | None:
    """Return the request about the chat account in a message, if it plainly is one.

    Args:
        text: Plain text (see :func:`bot.nlu.normalise.plain`).
    """
    if not _ANY.search(text):
        return None
    for one in _COMMANDS:
        match = one.words.search(text)
        if match and not one.unless.search(text):
            return Found(one.name, *match.span())
    return None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class CommandExtractor(GraphComponent, EntityExtractorMixin):  # type: ignore[misc]
    """Adds the entity ``command`` to messages that ask for one."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CommandExtractor:
        """Create the component (see the parent class)."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the entity to the messages that have a text."""
        for message in messages:
            text = message.get(TEXT)
            found = _read(text) if text else None
            if found is None:
                continue
            entity = {
                ENTITY_ATTRIBUTE_TYPE: ENTITY,
                ENTITY_ATTRIBUTE_VALUE: found.command,
                # Nothing is cut out of the message by these, so the whole will do.
                ENTITY_ATTRIBUTE_START: 0,
                ENTITY_ATTRIBUTE_END: len(text),
                EXTRACTOR: self.name,
            }
            message.set(ENTITIES, [*message.get(ENTITIES, []), entity], add_to_output=True)
        return messages


@lru_cache(maxsize=1024)
def _read(text: str) -> Found | None:
    return find_command(plain(text))
