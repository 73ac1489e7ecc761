"""Reading a claim's kind, hospital, day and amount in what parents write."""

from __future__ import annotations

import re
import unicodedata

from actions.forms import Found, entity_spans, says_no
from actions.turn import FILLER, Turn
from bot.nlu.amounts import find_amounts
from bot.rules.claims import ClaimKind
from bot.services import hospitals as directory
from bot.services.places import Place, place_named

KINDS = frozenset(kind.value for kind in ClaimKind)
CLAIM_WORD = re.compile(r"报销|理赔|里赔|报掉|报一下")
# "不对,是…": what follows replaces what was there.
WRONG = re.compile(r"不对|不是|错|有误|改")
# Which answer "金额错了" is about.
ABOUT = {
    "claim_amount": re.compile(r"金额|价|费用|多少钱|钱数|钱[写填]?错|数额"),
    "claim_hospital": re.compile(r"医院"),
    "claim_date": re.compile(r"日期|时间|日子|哪天"),
    "claim_kind": re.compile(r"类型|种类|类别"),
}
# "要等多久才能到账" in the middle of a claim is about this claim.
PAYOUT_QUESTION = re.compile(
    r"(?:多久|多长时间|几天|什么时候|啥时候|几时)[^,，。]{0,6}(?:到账|打款|打钱|给钱|赔|结案|批|审|有结果|拿到钱|下来)|"
    r"(?:到账|打款|赔下来|结案|审核)[^,，。]{0,4}(?:多久|多长时间|几天|什么时候|啥时候)"
)
FIRST_VISIT = re.compile(r"不(?:是|算)复诊|非复诊|初诊|首诊|第一次|头一(?:次|回)|首次|没看过")
FOLLOW_UP = re.compile(
    r"复诊|复查|第[二三四五2345]次|续方|续药|老(?:毛病|病)|以前看过|之前看过|看过的"
)
TOTAL = re.compile(r"(?:共|总|合计|加起来|实付)[^\d,，。]{0,6}$")
NOT = re.compile(r"(?:不是|不对)$")
DISCHARGE = re.compile(r"^(?:日|号)?[^,，。]{0,3}出院")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?![\d.]|[天次个张岁份月号日年点])")
SHORT = 4
SHORT_NAME = re.compile(r"[一-鿿]{2,12}")
NO_NAME = re.compile(r"忘|记|知道|清楚|确定|等|没有|随便|什么|怎么|吗|呢|吧")
# Values that only make the form say what is wrong and ask again.
ASK_AGAIN, ONLY_A_TYPE, SEVERAL, IMPOSSIBLE = "", "type", "several", "impossible"


def find_kind(found: Found, turn: Turn, slot: str) -> None:
    """Take the kind of visit that was said or pressed."""
    kind = turn.entity(slot) or turn.entity("claim_kind")
    if kind in KINDS:
        found.add(slot, kind, *entity_spans(turn, "claim_kind"))


def find_follow_up(found: Found, turn: Turn, asked: str | None) -> None:
    """Take whether it was a follow-up visit, said or answered (C3)."""
    if FIRST_VISIT.search(turn.text):
        found.add("claim_follow_up", False, (0, len(turn.text)))
    elif match := FOLLOW_UP.search(turn.text):
        found.add("claim_follow_up", True, match.span())
    elif asked == "claim_follow_up" and turn.intent in ("affirm", "deny"):
        if not says_no(turn.text):
            found.add("claim_follow_up", turn.intent == "affirm", (0, len(turn.text)))


def place_in(turn: Turn) -> Place | None:
    """Return the place of treatment that the message names, listed or not."""
    blocked = entity_spans(turn, "date", "amount")
    return place_named(turn.text, directory.hospitals(turn.store), blocked) if turn.text else None


def kind_of_name(turn: Turn, place: Place, found: Found) -> bool:
    """Tell whether the kind stands inside the hospital's name and says nothing by itself."""
    if "claim_kind" not in found.values or place.name is None:
        return False
    inside = all(
        place.start <= start and end <= place.end for start, end in entity_spans(turn, "claim_kind")
    )
    known = turn.slot("claim_kind") is not None and turn.form == "claim_form"
    return inside and (known or found.values["claim_kind"] == ClaimKind.PUBLIC_OUTPATIENT.value)


def is_short_name(turn: Turn) -> bool:
    """Tell whether the answer to "which hospital?" can be a name like 华山."""
    text = turn.text.strip()
    intents = ("inform", "out_of_scope", "nlu_fallback") if len(text) <= SHORT else ("inform",)
    return (
        turn.intent in intents
        and SHORT_NAME.fullmatch(text) is not None
        and NO_NAME.search(text) is None
        and WRONG.search(text) is None
    )


def find_visit_day(found: Found, turn: Turn) -> None:
    """Take the day that was said; of several, the one of discharge, or what replaces another."""
    said = [e for e in turn.entities("date") if "start" in e]
    days = [
        (e["value"].get("past") or e["value"].get("date"), e["start"], e["end"])
        for e in said
        if not NOT.search(turn.text[: e["start"]])
    ]
    days = [d for d in days if d[0]]
    if not days:
        if "impossible_date" in turn.day_flags():
            found.add("claim_date", IMPOSSIBLE, *entity_spans(turn, "date"))
        return
    left = [d for d in days if DISCHARGE.match(turn.text[d[2] :])]
    day = (left or days)[0]
    if not left and re.search(r"住院|住了", turn.text):
        day = days[-1]
    found.add("claim_date", day[0], *entity_spans(turn, "date"))


def find_amount(found: Found, turn: Turn, asked: str | None) -> None:
    """Take the amount that was said; of several, the total, or what replaces another."""
    text = turn.text
    said = [e for e in turn.entities("amount") if "start" in e]
    kept = [e for e in said if not NOT.search(text[: e["start"]])]
    total = [e for e in kept if TOTAL.search(text[: e["start"]])]
    spans = [*entity_spans(turn, "amount"), (0, 0)]
    read = [*spans, *entity_spans(turn, "date", "phone", "reference")]
    # "挂号25,药费316": a number beside the amount makes the amount a part only.
    more = [
        n
        for n in NUMBER.finditer(text)
        if asked == "claim_amount"
        and not NOT.search(text[: n.start()])
        and not any(start < n.end() and n.start() < end for start, end in read)
    ]
    if kept and more and not total:
        kept = [*kept, *kept]
    if total or len(kept) == 1:
        found.add("claim_amount", str((total or kept)[-1]["value"]), *spans)
    elif kept:
        found.add("claim_amount", SEVERAL, *spans)
    elif asked in ("claim_amount", "claim_confirm") and not turn.entities("date"):
        _find_bare_amount(found, turn, asked)


def _find_bare_amount(found: Found, turn: Turn, asked: str) -> None:
    """Read "1200", "三百" or "不对,是1300" where an amount is expected."""
    text = unicodedata.normalize("NFKC", turn.text).strip(" 。.!~")
    text = re.sub(r"(?:多|左右|上下|吧|的样子)+$", "", text)
    # "不是1200,是1300" leaves one number.
    text = re.sub(r"不是[^,。]*\d[^,。]*[,。]", "", text)
    if asked == "claim_amount" and re.fullmatch(r"-\s*\d.*|-?0+(?:\.0*)?\s*(?:元|块钱?)?", text):
        found.add("claim_amount", "0", (0, len(turn.text)))
        return
    amounts = [a for a in find_amounts(f"{text}元") if not NOT.search(text[: a.start])]
    if len(amounts) != 1:
        return
    words = ABOUT["claim_amount"].sub("", f"{text}元"[: amounts[0].start])
    if len(FILLER.sub("", WRONG.sub("", words))) <= 3:
        found.add("claim_amount", str(amounts[0].value), (0, len(turn.text)))
