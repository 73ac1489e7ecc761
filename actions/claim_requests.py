"""What parents ask about a claim that is open already, whatever the intent looks like.

"材料齐了，提交吧" looks like a yes, "快递单号SF…" like nothing at all: what they mean depends on
the claims there are, which no intent knows.
"""

from __future__ import annotations

import re

from actions.claim_answers import place_in
from actions.turn import REDIRECTS, Turn
from bot.rules.numbers import find_card, find_tracking
from bot.services import claims as service
from bot.services.claims import ClaimView

TASKS = {
    "submit": "action_claim_submit",
    "withdraw": "action_claim_withdraw",
    "tracking": "action_claim_tracking",
    "bank": "action_claim_bank",
    "form": "action_claim_sheet",
    "missing": "action_claim_missing",
}
STATUS = "action_check_claim_status"
OPENING = "claim_form"

OTHER_SERVICE = re.compile(r"授权|担保|预约|挂号|投诉|自付|绑|验证码|问诊(?!费)|授权书")
QUESTION = re.compile(r"吗|么[?？]?$|怎么|如何|哪|什么|啥|要不要|能不能|可不可以|多少|[?？]")
BANK_WORD = re.compile(r"银行卡|卡号|开户行|收款")
BANK_CHANGE = re.compile(
    r"(?:填|改|换|登记|录入|更新|补|绑|写错|设)(?:一下|一张|个|下|我的|新的?)*(?:收款|银行卡|卡号|开户行|打款账户)|"
    r"(?:收款(?:的)?(?:账户|卡|账号)?|银行卡|卡号|开户行)(?:号|信息|账户)?(?:要|想|得)?(?:填|改|换|登记|录|更新|写错|错了)"
)
TRACKING_WORD = re.compile(
    r"快递|运单|单号|寄出|寄了|寄走|寄过去|顺丰|圆通|中通|申通|韵达|京东物流|邮政|EMS", re.I
)
TRACKING_CHANGE = re.compile(
    r"(?:填|改|换|登记|录入|更新|补|写|报)(?:一下|个|下)*(?:快递|运单)?单号|(?:快递|运单)单?号(?:写错|错了|要改|改|填)"
)
COURIER = re.compile(r"(?:SF|JD|YT|ZT|ST|YD|EM)", re.I)
SHEET = re.compile(r"理赔(?:申请)?(?:表|单)|申请表|claim form", re.I)
SHEET_WANTED = re.compile(
    r"下[载仔]|发|给我|给个|来一?[份张]|要一?[份张]|生成|打印|填好|链接|重新?[发给]|在哪|哪里|[表单]呢|download|send",
    re.I,
)
CLAIM = r"(?:理赔|报销|索赔|[Cc]\d{4,6}|案子|那笔|这笔)"
WITHDRAW = re.compile(
    rf"{CLAIM}[^。]{{0,12}}撤|撤(?:回|销|掉|了)?[^。]{{0,8}}{CLAIM}|^[^,，。]{{0,4}}撤(?:回|销|掉|了)[^,，。]{{0,2}}$|"
    rf"(?:取消|不要|不办|不弄)(?:掉|了)?(?:我|那个|这个|这笔|那笔|的|上次|之前)*{CLAIM}|"
    rf"{CLAIM}[^,，。]{{0,6}}(?:取消|不要了|不办了|不弄了|撤|作废)|不(?:想|要|用)?(?:理赔|报销)了|不报了"
)
CONTINUE = re.compile(
    r"(?:上次|上回|之前|前几天|那天|那个|刚才|没弄完|没办完|没交完|没报完)[^。]{0,10}(?:理赔|报销)[^。]{0,10}"
    r"(?:继续|接着|弄完|办完|交完|往下)|(?:继续|接着)(?:弄|办|交|来|搞|报)?[^。]{0,8}(?:理赔|报销)"
)
SUBMIT = re.compile(
    r"(?:提交|递交|交上去|交了吧|报上去)|(?:材料|资料|单子|东西)[^,，。]{0,6}(?:齐|(?<!安)全(?!部|身))|"
    r"(?:交|传|发|拍|补|弄)(?:齐|全|完)(?:了|啦|$)"
)
NEW = re.compile(r"再|另|新|重新|还要|还有|一笔|一份|一个|上传|申请|想")
MISSING = re.compile(
    r"还(?:缺|差|少|要交|要补|要传|得交|需要交|需要补|用交)|[缺差](?:什么|啥|哪|几|多少)|"
    r"(?:齐|全|够)了?[吗没不]|(?:要|该|怎么|哪里|在哪)补(?:什么|啥|哪|交|传)|补[交传]材料|材料(?:怎么|哪里|在哪)补"
)
MONEY = re.compile(
    r"赔了多少|赔多少钱?了|(?:赔款|理赔款|报销款|(?:报销|理赔)的?钱)|"
    r"钱[^,，。]{0,4}(?:什么时候|啥时候|几时|多久|哪天)[^,，。]{0,4}(?:到|打|给|下来)|"
    r"(?:什么时候|啥时候|几时|多久|哪天)[^,，。]{0,4}(?:到账|打钱|打款|给钱)"
)
REFUSED = re.compile(
    r"拒赔|被拒|(?:为什么|为啥|怎么|咋)[^,，。]{0,4}(?:没|不|未)(?:有|能|给)?(?:通过|批|赔)|不(?:给)?赔"
)


def requested(turn: Turn) -> str | None:
    """Return the action of what a message asks about an open claim, if it asks that."""
    task = turn.entity("claim_task")
    if task is not None:
        return TASKS.get(str(task))
    text = turn.text
    if not text or turn.form == OPENING:
        return None
    reference = str(turn.entity("reference") or "")
    if OTHER_SERVICE.search(text) or reference[:1] not in ("", "C"):
        return None
    detail = _detail(text)
    if detail is not None:
        return TASKS[detail]
    if not any(
        p.search(text) for p in (SHEET, WITHDRAW, CONTINUE, SUBMIT, MISSING, MONEY, REFUSED)
    ):
        return STATUS if reference and turn.intent == "out_of_scope" else None
    known = service.claims(turn.store, identity_id=turn.identity.id)
    return _about(turn, known)


REDIRECTS.append(requested)


def _detail(text: str) -> str | None:
    """Tell a bank card and a courier's number, which need no claim to be recognised."""
    card = find_card(text)
    if card is not None and (card.wrong is None or BANK_WORD.search(text)):
        return "bank"
    number = find_tracking(text)
    if number is not None and (TRACKING_WORD.search(text) or COURIER.match(number)):
        return "tracking"
    if TRACKING_CHANGE.search(text):
        return "tracking"
    if BANK_CHANGE.search(text) and not QUESTION.search(text):
        return "bank"
    return None


def _about(turn: Turn, known: list[ClaimView]) -> str | None:
    text = turn.text
    started = [c for c in known if c.status in service.OPEN]
    if started and SHEET.search(text) and SHEET_WANTED.search(text):
        return TASKS["form"]
    if known and WITHDRAW.search(text) and not QUESTION.search(text):
        return TASKS["withdraw"]
    if started and (CONTINUE.search(text) or MISSING.search(text)):
        return TASKS["missing"]
    if any(c.to_complete for c in started) and _sends_in(turn):
        return TASKS["submit"]
    over = [c for c in known if c.status in service.DECIDED]
    if (known and MONEY.search(text)) or (over and REFUSED.search(text)):
        return STATUS
    return None


def _sends_in(turn: Turn) -> bool:
    """Tell whether "提交" means the claim that is open, and not a new one."""
    text = turn.text
    if not SUBMIT.search(text) or QUESTION.search(text):
        return False
    if turn.entity("reference"):
        return True
    details = ("amount", "date", "claim_kind")
    return not NEW.search(text) and not any(turn.entity(name) for name in details)


def meant(turn: Turn, known: list[ClaimView]) -> list[ClaimView]:
    """Return the claims that a message can mean; all of them if it tells nothing of it."""
    reference = turn.entity("reference")
    if reference:
        return [c for c in known if c.reference == str(reference).upper()]
    child = turn.child_named()
    if child is not None:
        known = [c for c in known if c.number == child.number]
    place = place_in(turn)
    day, amount = turn.day(past=True), turn.amount()
    known = [c for c in known if place is not None and c.hospital == place.name] or known
    known = [c for c in known if day is not None and c.visited_on == day] or known
    known = [c for c in known if amount is not None and c.amount == amount] or known
    return [c for c in known if c.kind == turn.entity("claim_kind")] or known
