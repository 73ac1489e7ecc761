"""Reading a treatment, its day, place and cost in what parents write of an authorization."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from actions import texts, wishes
from actions.booking_answers import unlisted_hospital
from actions.forms import entity_spans
from actions.turn import Turn
from bot.nlu.amounts import find_amounts
from bot.nlu.normalise import normalise
from bot.rules.treatments import Said, SaidAmount, Treatment, read_treatment
from bot.services import hospitals as directory
from bot.services import policies
from bot.services.authorizations import AuthorizationView
from bot.services.policies import PolicyView

CHANGE_ACTION = "action_change_authorization"
RULES_ACTION = "action_ask_prior_authorization_rules"
# A day on which something is handed in is not that of the treatment.
HANDED_IN = re.compile(
    r"^(?:号|日|才|再|就|前|之前|来|去|能|可以|给|把|上午|下午|晚上)*(?:提交|申请|交|递|办|报上|报个|问)"
)
ORDINARY_PLACE = re.compile(r"公立医院(?:的)?普通|普通(?:的)?公立|普通部|公立(?:医院)?(?:的)?普通")
KIND_OF_PLACE = re.compile(r"公立|私立|直付|普通")
# Asks for the rule; "帮我申请…可以吗" does not.
_ASKS_RULE = re.compile(
    r"要不要|用不用|需不需要|需不须要|使唔使|来得及|来不来得及|赶趟|最晚|最迟|"
    r"(?:需要|要|用|得)[^,，。]{0,8}(?:授权|批|申请)[^,，。]{0,4}(?:吗|么|不|[?？])|哪些[^,，]{0,6}(?:要|需要)"
)
_ASKS_FOR_IT = re.compile(
    r"帮我|给我|替我|麻烦|我要(?:申请|提交|办)|请[^,，]{0,6}(?:提交|申请|办)|(?:提交|申请|办)一下"
)
# "不对,是…": what follows replaces what was there.
WRONG = re.compile(r"不对|不是|错|有误|改|换")
NOT = re.compile(r"(?:不是|不对|不)$")
GENERIC = frozenset({"住院", "入院", "手术", "开刀", "动刀", "inpatient", "surgery", "operation"})
SHORT_NAME = re.compile(r"[一-鿿]{2,12}")
NO_AMOUNT = re.compile(r"-\s*\d+(?:\.\d+)?(?:元|块钱?)?|0+(?:\.0*)?(?:元|块钱?)?")
NUMBER = re.compile(r"\d+(?:\.\d+)?")

_REQUEST = r"(?:授权|受权|收权|申请|担保函|[Pp][- ]?\d{4,6})"
_WITHDRAW = re.compile(
    rf"撤回|撤销|撤掉|撤下|撤了|(?:取消|(?<!要)不要|作废|终止|停掉)[^,，。?？]{{0,10}}{_REQUEST}|"
    rf"{_REQUEST}[^,，。?？]{{0,8}}(?:取消|作废|不要了|不用了|不做了|不弄了|别批了|撤)"
)
_MOVED = r"(?:改期|改到|改成|改为|改日期|改时间|换日期|换时间|推迟|延期|延到|提前到|挪到|调到)"
_MOVE = re.compile(
    rf"{_REQUEST}[^。?？]{{0,14}}{_MOVED}|"
    rf"(?:改|换|调整?)[^,，。]{{0,6}}{_REQUEST}的?(?:治疗)?(?:日期|时间|日子)|"
    rf"{_REQUEST}[^,，。?？]{{0,6}}(?:日期|时间|日子)[^,，。?？]{{0,4}}[改换]"
)
_TREATMENT_MOVED = re.compile(rf"(?:手术|住院|治疗|检查)[^,，。]{{0,8}}{_MOVED}[^。]{{0,14}}授权")
QUESTION = re.compile(r"[?？]|吗|呢|么|要不要|用不用|算不算|需不需要|能不能用|怎么|多久|为什么")
DONE_TO = re.compile(r"被(?:你们)?(?:取消|撤|作废)|(?:取消|撤销|作废)了(?:吗|没)")


def amounts_in(turn: Turn) -> list[SaidAmount]:
    """Return the amounts said, in CNY, placed in the normalised text."""
    normal = normalise(turn.text)
    taken = entity_spans(turn, "date", "phone", "reference", "code")
    found = []
    for amount in find_amounts(normal.text):
        start, end = normal.original_span(amount.start, amount.end)
        if not any(start < e and s < end for s, e in taken):
            found.append(SaidAmount(amount.value, amount.start, amount.end))
    return found


def treatment_in(turn: Turn) -> Treatment:
    """Return what the message says of a treatment."""
    return read_treatment(normalise(turn.text).text, amounts_in(turn))


def meant_action(turn: Turn) -> str | None:
    """Return the action for a message that two intents share, if its words leave no doubt."""
    if change_wanted(turn):
        return CHANGE_ACTION
    if follows_rules(turn) or (asks_rule(turn) and "授权" in turn.text):
        return RULES_ACTION
    return None


def follows_rules(turn: Turn) -> bool:
    """Tell whether "6000块的检查呢" goes on with a question about the rules."""
    spoken = 0
    for event in reversed(turn.tracker.events):
        spoken += event["event"] == "user"
        if spoken > 1:
            return False
        if spoken and event["event"] == "action" and event.get("name") == RULES_ACTION:
            said = treatment_in(turn)
            return bool(said.words or amounts_in(turn))
    return False


def treatment_named(text: str) -> Treatment:
    """Return what a stored description says of a treatment."""
    return read_treatment(normalise(text).text)


def treatment_words(turn: Turn) -> str | None:
    """Return the words that name a treatment in the message, as they were said."""
    said = treatment_in(turn)
    words = [w for w in said.words if not any(w != other and w in other for other in said.words)]
    exact = [w for w in words if w not in GENERIC] if len(words) > 1 else words
    kept = words if Said.INPATIENT in said.kinds and exact else exact or words
    return texts.line("and").join(kept) or None


def word_spans(turn: Turn) -> list[tuple[int, int]]:
    """Return where words that name a treatment stand in the message."""
    return [
        (match.start(), match.end())
        for word in treatment_in(turn).words
        for match in re.finditer(re.escape(word), turn.text)
    ]


def day_in(turn: Turn, *, asked: bool) -> wishes.Day | None:
    """Return the day of the treatment that was said, not that of handing something in."""
    handed_in = frozenset(
        str(e["value"].get("date"))
        for e in turn.entities("date")
        if "end" in e and HANDED_IN.match(turn.text[e["end"] :])
    )
    return wishes.read_day(turn, asked=asked, taken=frozenset() if asked else handed_in)


def certain_day(turn: Turn) -> date | None:
    """Return the one day of treatment that was said, or ``None``."""
    said = day_in(turn, asked=False)
    return date.fromisoformat(said) if isinstance(said, str) else None


def hospital_in(turn: Turn, *, asked: bool) -> tuple[str, tuple[int, int]] | None:
    """Return the hospital that was said, by its name in the directory or as it was said."""
    if not turn.text:
        return None
    known = directory.hospitals(turn.store)
    place = directory.match_hospital(turn.text, known)
    if place is not None:
        said = turn.text[place.start : place.end]
        names = next(h.names for h in known if h.name == place.value)
        # Outside that question a likeness is not enough: "私立医院" is no 市一医院.
        if any(said in name for name in names) or (asked and not KIND_OF_PLACE.search(said)):
            return place.value, (place.start, place.end)
    unlisted = unlisted_hospital(turn)
    if unlisted is not None and unlisted.name:
        return unlisted.name, (unlisted.start, unlisted.end)
    text = turn.text.strip(" 。.!！~")
    if asked and turn.intent in ("inform", "find_hospital") and SHORT_NAME.fullmatch(text):
        free = not treatment_in(turn).words and not turn.entities("date")
        return (text, (0, len(turn.text))) if free and not QUESTION.search(text) else None
    return None


def amount_in(turn: Turn, *, asked: bool) -> Decimal | None:
    """Return the cost expected in CNY; of a range the higher end, of a correction the new one."""
    said = amounts_in(turn)
    text = normalise(turn.text).text
    if asked and NO_AMOUNT.fullmatch(text.strip(" 。.!~")):
        return Decimal(0)
    kept = [a for a in said if not NOT.search(text[: a.start])]
    if kept:
        return kept[-1].value if WRONG.search(text) else max(a.value for a in kept)
    if not asked or turn.entities("date"):
        return None
    bare = text.strip(" 。.!~").removesuffix("左右").removesuffix("吧")
    found = find_amounts(f"{bare}元")
    rest = NUMBER.sub(
        "",
        re.sub(
            r"[大概约莫差不多要花的是预计估计,到至~\-块元左右多几千百万一二两三四五六七八九十]",
            "",
            bare,
        ),
    )
    return max(a.value for a in found) if found and not rest.strip() else None


def asks_rule(turn: Turn) -> bool:
    """Tell whether a message asks whether, or until when, and not for an application."""
    return bool(_ASKS_RULE.search(turn.text)) and not _ASKS_FOR_IT.search(turn.text)


def change_wanted(turn: Turn) -> str | None:
    """Return ``move`` or ``withdraw`` when an application is to be changed, else ``None``."""
    pressed = turn.entity("auth_change")
    if pressed in ("move", "withdraw"):
        return str(pressed)
    text = turn.text
    if DONE_TO.search(text) or asks_rule(turn):
        return None
    if _WITHDRAW.search(text):
        return "withdraw"
    moved = _MOVE.search(text) or (_TREATMENT_MOVED.search(text) and not QUESTION.search(text))
    return "move" if moved else None


def mentioned(turn: Turn, known: list[AuthorizationView]) -> list[AuthorizationView]:
    """Return the authorizations that a message may mean, by number, child, words, place, day."""
    reference = turn.entity("reference")
    if reference:
        return [a for a in known if a.reference == str(reference).upper()]
    child = turn.child_named()
    if child is not None:
        known = [a for a in known if a.number == child.number]
    said = {str(e["value"]) for e in turn.entities("treatment")} | set(treatment_in(turn).words)
    specific = said - GENERIC or said
    by_core = [a for a in known if _core(a.treatment) and _core(a.treatment) in turn.text]
    by_word = [a for a in known if any(_same_treatment(w, a.treatment) for w in specific)]
    known = by_core or by_word or known
    place = directory.match_hospital(turn.text, directory.hospitals(turn.store))
    if place is not None:
        known = [a for a in known if a.hospital == place.value] or known
    day = turn.day()
    return [a for a in known if a.treatment_on == day] or known


def _same_treatment(word: str, treatment: str) -> bool:
    core = _core(word)
    return word in treatment or bool(core and core in treatment)


def _core(treatment: str) -> str:
    """Return what tells a treatment from others: 腺样体 of 腺样体切除手术; empty for 手术."""
    core = re.sub(r"(?:切除|矫正|修补)?手术$|检查$|切除$|治疗$|^[割切做买租](?=..)", "", treatment)
    return core if len(core) > 1 and core not in GENERIC else ""


def policy_known(turn: Turn) -> PolicyView | None:
    """Return the policy that a question is about, if it need not be asked for."""
    named = turn.child_named()
    number = named.number if named else turn.slot("policy")
    if number is None and len(turn.choices) == 1:
        number = turn.choices[0].number
    if number is None or number not in [c.number for c in turn.choices]:
        return None
    return overview_of(turn, str(number))


def overview_of(turn: Turn, number: str) -> PolicyView:
    """Return a policy of this account."""
    return policies.overview(turn.store, identity_id=turn.identity.id, number=number, now=turn.now)


def used_so_far(seen: PolicyView) -> Decimal:
    """Return the outpatient and inpatient benefit used in the insurance period, in CNY."""
    benefits = [seen.benefits.get(name) for name in ("outpatient", "inpatient")]
    return sum((b.used for b in benefits if b is not None), start=Decimal(0))


def plain_day(turn: Turn, value: wishes.Day) -> date | None:
    """Return the day of an answer; say what is wrong with one that is none."""
    if isinstance(value, wishes.NoDay):
        if value.impossible:
            turn.say("impossible_date")
        return None
    if isinstance(value, wishes.OpenDay):
        turn.say("authorization_day_open")
        return None
    return date.fromisoformat(value)
