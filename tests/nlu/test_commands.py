"""Requests about the chat account: which are recognised, and what is none."""

import json
from typing import Any

import pytest
import yaml
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.commands import CommandExtractor, find_command
from bot.nlu.normalise import plain
from bot.settings import ROOT

SAID = {
    "unbind": (
        "解绑", "我要解绑", "帮我解绑一下", "怎么解绑", "卡要解绑咋搞", "我想解除绑定",
        "取消绑定", "能不能取消绑定啊", "把我的卡解绑了吧", "解绑沐宸那份保单",
        "我手机要送人了，把这个微信解绑掉", "解除和保单的关联", "取消关联电子卡",
        "换手机号了 先给我解绑", "解綁", "unbind my card please", "想unbind我的卡",
        "这张卡从我手机上撤掉", "退出绑定", "解绑后数据还在吗",
    ),
    "export_data": (
        "导出我的数据", "我的数据", "把我的个人信息导出来", "你们存了我什么信息",
        "你们都存了我哪些数据", "下载我的资料", "给我一份我的个人数据",
        "你们这里保存了我们家什么资料", "系统里记了我哪些信息啊", "我想要一份我的个人信息",
        "查看我的个人信息", "export my data", "我家孩子的数据发我一份", "查一下我的个人信息",
    ),
    "erase_data": (
        "删除我的数据", "把我的个人信息删掉", "请删除我所有的资料", "我要求删除个人信息",
        "注销账号", "我要注销我的账户", "把我在你们这的信息全删了", "清空我的聊天记录",
        "我的数据能不能删掉", "delete my data", "把孩子的信息都删除吧", "删掉你们存的我的信息",
    ),
    "mute_reminders": (
        "别再提醒我了", "别再提醒我", "不要给我发通知了", "不要再推送了", "关闭提醒",
        "把提醒关了", "取消预约提醒", "不用提醒我了", "别老发消息", "消息免打扰", "停止推送",
        "理赔的提醒关掉", "不想收到自付的提醒", "屏蔽通知", "怎么关闭提醒",
        "别提醒我取消预约的事了", "通知太多了，关掉",
    ),
    "unmute_reminders": (
        "恢复提醒", "重新打开提醒", "把提醒打开", "开启理赔提醒", "取消静音", "提醒还是恢复吧",
        "继续给我发提醒", "打开通知",
    ),
    "list_reminders": (
        "我都有哪些提醒", "提醒设置", "看看我的提醒", "哪些提醒是关着的", "你会提醒我什么",
        "我关了哪些通知",
    ),
    "check_complaint": (
        "我投诉的事怎么样了", "上次投诉有结果了吗", "我的投诉处理得怎么样", "投诉进度", "F10001",
        "f10001怎么样了", "查一下我的投诉", "我提的建议有回复吗", "我昨天投诉的那个处理了没",
        "我反映的问题解决了没有", "F10001 有答复了吗",
    ),
    "add_complaint": (
        "补充一下我的投诉", "我的投诉要补充几句", "F10002 再补充一点：还有一次也是这样",
        "给上次的投诉补充说明",
    ),
    "check_data_request": (
        "D10001", "我删除数据的申请怎么样了", "d10002 到哪一步了",
    ),
    "e_card": (
        "看看我的电子卡", "出示电子保险卡", "打开电子卡", "电子卡二维码", "我的电子卡",
        "把电子卡发我", "电子卡二维码发我一下",
        "给我看看娃的电子卡", "发一下电子卡图片", "show my e-card", "保险卡二维码在哪",
        "护士要看电子卡", "我要看孩子的保险卡", "来一张电子卡",
    ),
    "tell_policy": (
        "刚才那个是老大的还是老二的", "现在说的是谁", "这是哪个孩子的", "刚才查的额度是姐姐的吗",
        "上面那个是谁的？",
    ),
    "leave_message": (
        "我要给客服留言", "那我留个言吧", "嗯那我先留个言", "留言", "给你们留一条言：发票寄错了",
        "跟人工留个口信", "先留个消息给客服",
    ),
    "staff_hours": (
        "你们几点有人啊", "人工几点上班", "客服什么时候上班？", "人工客服几点到几点",
        "周末几点有人接",        "你们人工服务时间是", "请问真人坐席几点下班", "那几点能找到人啊",
        "你们几点上班", "你们周末几点下班啊", "请问你们上班时间是", "这边几点关门",
    ),
    "list_policies": (
        "我绑了哪些保单", "我绑定了几份保单", "现在绑的是谁的卡", "看看我绑定的保单",
        "我名下有几份保单", "都绑了哪几个孩子",
    ),
}  # fmt: skip
NOT_SAID = (
    "不想解绑", "先别解绑", "我没有解绑啊", "不解绑了", "算了不用解绑", "解绑了吗", "绑卡",
    "怎么绑不上", "换绑手机号", "不要删我的数据", "别把我的资料删了",
    "重复预约了，请删除其中一个", "理赔资料传错了删掉重传", "投保时的手机号已经注销了怎么办",
    "你能看到我哪些信息", "隐私政策在哪看", "手册里关于隐私怎么说", "我的个人资料你们会拿去看吗",
    "微信聊天记录误删了能恢复吗", "多亏你提醒，不然我就忘了", "怎么没人通知我预约好没好",
    "别忘了提醒我", "授权通过后会通知我吗", "为什么一直提醒我拨打120", "干嘛提醒我拨急救",
    "请通知医院，我们下周一不去了",
    "怎么看电子卡", "电子卡", "要电子卡吗", "电子卡要不要拍照",
    "查一下理赔进度", "取消预约", "我要投诉",
    "投诉", "怎么投诉", "我要提个建议", "投诉电话是多少", "投诉多久有答复",
    "医生建议做的检查结果怎么样", "补充理赔材料", "一个手机能绑几张卡", "我要绑第二份保单",
    "最多可以绑定几个人", "换一份保单", "我投诉了你们也没用我要继续投诉", "我要取消明天的预约",
    "不用了谢谢", "没收到短信", "收不到验证码短信", "导出就诊记录给医生看的话要盖章吗",
    "留言了怎么没人回", "我昨天留的言呢", "不想留言", "留言多久有人看", "给医生留言", "有人吗",
    "有人工吗", "转人工", "医生几点上班", "医院几点有人", "诊所几点开门", "几点上班",
    "你们医生几点上班", "数据线坏了",
    "提醒我明天去医院", "你好", "",
)  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in SAID.items() for t in texts])
def test_requests_are_recognised(name: str, text: str) -> None:
    found = find_command(plain(text))
    assert found is not None
    assert found.command == name


@pytest.mark.parametrize("text", NOT_SAID)
def test_what_is_no_request_is_left_alone(text: str) -> None:
    assert find_command(plain(text)) is None


def examples() -> list[str]:
    """All that the intents and the manual's questions are trained and measured on."""
    found: list[str] = []
    for path in (ROOT / "data" / "nlu.yml", *sorted((ROOT / "data" / "nlu").glob("*.yml"))):
        for entry in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            lines = (entry.get("examples") or "").splitlines()
            found += [line.strip().removeprefix("- ") for line in lines]
    for topic in yaml.safe_load((ROOT / "data" / "faq.yml").read_text("utf-8"))["topics"]:
        if topic["id"] != "ecard_unbind":
            found += [str(question) for question in topic["questions"]]
    for name in ("intents", "faq", "emergencies"):
        path = ROOT / "tests" / "evaluation" / f"{name}.jsonl"
        found += [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    return found


def test_no_example_of_any_intent_is_taken_for_a_request() -> None:
    texts = examples()
    assert len(texts) > 10_000
    assert [text for text in texts if find_command(plain(text))] == []


def entities(text: str) -> list[dict[str, Any]]:
    message = Message.build(text) if text else Message({"text": ""})
    message.set("entities", [{"entity": "plan", "value": "优享计划"}])
    extractor = CommandExtractor()
    extractor.process([message])
    found: list[dict[str, Any]] = message.get("entities")
    return found


def test_the_extractor_adds_its_entity_to_the_others() -> None:
    plan, command = entities("帮我 解 绑 一下")
    assert plan["entity"] == "plan"
    assert (command["entity"], command["value"]) == ("command", "unbind")
    assert (command["start"], command["end"]) == (0, 9)


@pytest.mark.parametrize("text", ["查额度", ""])
def test_the_extractor_leaves_other_messages_as_they_are(text: str) -> None:
    assert [one["entity"] for one in entities(text)] == ["plan"]
