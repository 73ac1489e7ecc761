"""Several requests in one message: "取消周五的预约,顺便问下报销要什么材料".

:class:`RequestSplitter` stands first in the pipeline. Where a message has seams, it puts the
pieces beside the message, and every component reads them like messages of their own.
:class:`RequestJoiner` stands last: it takes the pieces for several requests only if each of them
is surely one and they differ, for a story, a correction and a form's answer have seams, too. The
message then keeps the first request's intent, and the entity ``further_requests`` holds the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import (
    RESPONSE_SELECTOR_PROPERTY_NAME,
    RESPONSE_SELECTOR_UTTER_ACTION_KEY,
)
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    EXTRACTOR,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.emergency import harmless_below
from bot.nlu.normalise import plain

ENTITY = "further_requests"
EMERGENCY = "report_emergency"
FAQ = "faq"
_PART = "request_part"
_MOST_PIECES = 4
_LONGEST = 160
# Without a word such as 顺便, only a short message is looked at: longer ones are stories.
_LONGEST_UNMARKED = 50
_SHORTEST = 2
_SIGNS = " ,，。;；!！?？~～、\n"

# Words that announce one more request wherever they stand, run-on speech included.
_INLINE = re.compile(
    r"顺(?:便|带(?!而)|道)|順(?:便|帶|道)|(?<![请請要得后後头頭次想能可用需会會不先没沒])(?:"
    r"(?:(?:然后|然後|接着|接著|最后|最後)再?|再)(?:帮|幫|[给給替](?!我(?:打|发|說|说))[^,，。;；!！?？]{1,6}?[查约約取问問报報挂掛]|问[一下问]|問|查[一下查]|约(?!一次|的)|約(?!一次|的)|取消|预约|預約)|"
    r"(?:还|還|也)(?:[想要]|得|需要)(?:再)?(?:问|問|查|约[个一]|約[個一]|咨询|諮詢|请教|取消|了解)|(?:还|還|也)(?:请|請|麻烦|麻煩)?(?:帮|幫)我|"
    r"另外(?:再|还|也|帮|请|问|想|麻烦)|(?<![填写說说弄答搞做是都])[对對]了(?=[我那你您还還帮幫问問想再顺順理报額额预約约授]))|"
    r"\bby the way\b|\bbtw\b|\b(?:and )?also\b|\band (?=can|could|please|what|how|when|check|book|cancel|i )",
    re.IGNORECASE,
)
# Words that do so only after a pause: elsewhere "还有" and "另外" are plain adverbs.
_OPENING = re.compile(
    r"另外(?![那两几一二三四五]|的|[付交收]费)|此外|对了|對了|其次|第[二三](?:件|个|個|[,，、:：])|[2-3２３][.、．)）](?!\d)|"
    r"(?:还|還)有(?=[,，、:：我你就请請问問想那这這帮幫]|[一个件點点]*(?:事|问题)|.{0,12}(?:怎么|怎麼|什么|什麼|哪|多少|能不能|可不可以|几))(?!.{0,3}(?:吗|嗎|没|么)[?？]?$)|"
    r"(?:还|還)(?:想|需要)|再(?:看看|看下|看一下|说|来|就是|有就是|一个)|然后(?:我|呢|还)|也(?:顺|想问)",
)
_PAUSE = re.compile(r"\s+(?=[2-3２３][.、．)）])|[,，。;；!！?？~～\n]+|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
# A piece without any of these asks for nothing.
_CUE = re.compile(
    r"[帮幫要想请請查问問约約挂找换換改退交报報赔賠绑綁付缴缴开開投告看]|麻烦|麻煩|取消|额度|額度|余额|预约|預約|授权|授權|"
    r"什么|什麼|啥|怎么|怎麼|咋|多少|多久|哪|几点|幾點|几天|吗|嗎|呢|能不能|可以|进度|材料|人工|客服|回电|"
    r"算了|不[约弄办用]了|book|cancel|check|claim|how|what|when|where|can |need|want",
    re.IGNORECASE,
)
# A second thought about the same thing, and no second thing.
_AMENDS = re.compile(
    r"\s*(?:还是|還是|就|那就|那|改成|改到|换成|换到|不对|不是|应该|我是说|我说的是|要不|或者|而不是|只要|只是|不然|否则|因为|所以|"
    r"谢谢|谢了|好吗|行吗|可以吗|对吗|是吗|or\b|instead)"
)
_TOLD = re.compile(
    r"[约挂交办报绑付看查做住]?(?:好|完|过|到|上)?了(?:[^吗?？]|$)|已经|昨天|前天|上周|上次|上个?月|刚才|本来|之前"
)

# What a request can be about; "帮我约下" alone goes with what was said before.
_ABOUT = re.compile(
    r"额度|額度|余额|餘額|保障|保额|记录|記錄|保单|保單|自付|医院|醫院|诊所|診所|预约|預約|挂号|掛號|[科号號](?![码碼])|理赔|理賠|报销|報銷|赔款|"
    r"材料|发票|發票|资料|授权|授權|担保函|疫苗|体检|體檢|讲座|講座|问诊|問診|医生|醫生|大夫|回电|回電|客服|人工|投诉|投訴|建议|电子卡|電子卡|绑|綁|"
    r"心理|陪诊|协助|分诊|balance|claim|card|doctor|appointment|hospital|coverage|vaccin|human|agent",
    re.IGNORECASE,
)

# Said in passing: beside a request they are no request.
SOCIAL = frozenset({"greet", "thank", "goodbye", "help", "bot_challenge", "out_of_scope"})
# Answers to a question of a form; only a hard seam parts them from a request.
ANSWERS = frozenset({"inform", "affirm", "deny"})
_FEELINGS = frozenset({"file_complaint", "ask_medical_advice", EMERGENCY})
# One thing seen from two sides ("约了周五的,想取消"): without a hard seam it is one request.
_NEAR = (
    frozenset({"book_appointment", "check_appointment", "cancel_appointment",
               "reschedule_appointment", "ask_cancellation_deadline", "find_hospital",
               "request_triage", "book_vaccination", "request_onsite_assistance",
               "request_counselling"}),
    frozenset({"start_claim", "ask_claim_documents", "check_claim_status", "pay_self_pay",
               "request_prior_authorization", "ask_prior_authorization_rules"}),
    frozenset({"check_balance", "check_coverage", "check_visit_records"}),
    frozenset({"ask_prior_authorization_rules", "request_prior_authorization",
               "check_prior_authorization"}),
    frozenset({"ask_consultation_hours", "request_phone_consultation",
               "request_online_consultation", "talk_to_human", "request_triage",
               "request_counselling"}),
    frozenset({"bind_card", "switch_policy"}),
)  # fmt: skip
# What may be wanted twice in one message, with other particulars.
REPEATABLE = frozenset(
    {"book_appointment", "cancel_appointment", "reschedule_appointment", "start_claim",
     "check_balance", "check_coverage", "check_visit_records", "find_hospital",
     "request_prior_authorization", "book_vaccination", "request_phone_consultation", FAQ}
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A stretch of a message between two seams.

    Attributes:
        start: Where it begins in the message.
        end: Where it ends.
        hard: Whether a word such as 顺便 opens it.
    """

    start: int
    end: int
    hard: bool


def pieces(text: str) -> list[Piece]:
    """Cut a message at its seams.

    Args:
        text: The message as it arrived.

    Returns:
        Pieces that cover it, each but the first opened by a pause or a word such as 顺便;
        one piece where the message has no seam, or is too long to be a list of requests.
    """
    if text.startswith("/") or len(text) > _LONGEST:
        return [Piece(0, len(text), hard=False)]
    seams = {0: False}
    for match in _PAUSE.finditer(text):
        seams[match.end()] = False
    for place in list(seams):
        lead = len(text[place:]) - len(text[place:].lstrip())
        seams[place] = place > 0 and _OPENING.match(text, place + lead) is not None
    for match in _INLINE.finditer(text):
        if text[: match.start()].strip(_SIGNS):
            seams[match.start()] = True
    if len(text) > _LONGEST_UNMARKED:
        seams = {place: hard for place, hard in seams.items() if hard or place == 0}
    starts = sorted(place for place in seams if place < len(text))
    ends = [*starts[1:], len(text)]
    found = [Piece(s, e, seams[s]) for s, e in zip(starts, ends, strict=True)]
    return _with_cues(text, found)


def _with_cues(text: str, found: list[Piece]) -> list[Piece]:
    """Join what asks for nothing, or is next to nothing, to its neighbour."""
    joined: list[Piece] = []
    asking = False
    for piece in found:
        said = text[piece.start : piece.end].strip(_SIGNS)
        cued = len(said) >= _SHORTEST and bool(piece.hard or _CUE.search(said))
        if joined and not cued or joined and not (asking or piece.hard):
            # What comes before the first request belongs to it, unless "顺便" parts them.
            joined[-1] = replace(joined[-1], end=piece.end)
        else:
            joined.append(piece)
        asking = asking or cued
    return joined


@dataclass
class _Read:
    """A piece with what the pipeline made of it."""

    piece: Piece
    message: Message

    @property
    def intent(self) -> str:
        return str((self.message.get(INTENT) or {}).get(INTENT_NAME_KEY) or "")

    @property
    def confidence(self) -> float:
        return float((self.message.get(INTENT) or {}).get(PREDICTED_CONFIDENCE_KEY) or 0.0)


class _Component(GraphComponent):  # type: ignore[misc]
    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> _Component:
        """Create the component (see the parent class)."""
        return cls()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class RequestSplitter(_Component):
    """Puts the pieces of a message that may hold several requests beside it."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Return the messages, and after them their pieces."""
        beside: list[Message] = []
        for message in messages:
            text = message.get(TEXT) or ""
            found = pieces(text)
            if len(found) < 2 or len(found) > _MOST_PIECES:
                continue
            for piece in found:
                part = Message(data={TEXT: text[piece.start : piece.end].strip()})
                part.set(_PART, (message, piece))
                beside.append(part)
        return [*messages, *beside]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class RequestJoiner(_Component):
    """Decides whether the pieces are requests of their own; stands last in the pipeline."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Return the whole messages, those with several requests marked."""
        whole = [message for message in messages if message.get(_PART) is None]
        for message in whole:
            read = [
                _Read(part.get(_PART)[1], part)
                for part in messages
                if part.get(_PART) is not None and part.get(_PART)[0] is message
            ]
            if read:
                _mark(message, read)
        return whole


def _mark(message: Message, read: list[_Read]) -> None:
    """Write the decision into a message."""
    whole = _Read(Piece(0, len(message.get(TEXT)), hard=False), message)
    if whole.intent == EMERGENCY:
        return
    if any(_alarming(one, message.get(TEXT)) for one in read):
        urgent = {INTENT_NAME_KEY: EMERGENCY, PREDICTED_CONFIDENCE_KEY: 1.0}
        ranking = [e for e in message.get(INTENT_RANKING_KEY, []) if e["name"] != EMERGENCY]
        message.set(INTENT, urgent, add_to_output=True)
        message.set(INTENT_RANKING_KEY, [urgent, *ranking], add_to_output=True)
        return
    if any(one.intent == EMERGENCY for one in read):
        # Harmless only in the light of the rest.
        return
    groups = grouped(read, whole)
    if len(groups) > 1:
        _keep(message, groups)
    elif whole.intent in SOCIAL - {"out_of_scope"} and groups and _sure(groups[0], 0.85):
        # "谢谢,再问下报销要什么材料" is the question.
        lead = groups[0]
        if lead.intent not in SOCIAL | ANSWERS | {"stop", "out_of_scope"}:
            _take(message, lead)


def _alarming(one: _Read, text: str) -> bool:
    return one.intent == EMERGENCY and harmless_below(plain(text)) == 0.0


def _sure(one: _Read, least: float) -> bool:
    return one.confidence >= least and one.intent not in ("", "nlu_fallback")


def grouped(read: list[_Read], whole: _Read) -> list[_Read]:
    """Return the requests of a message, each led by the piece that makes it one.

    What is no request of its own stays with the request before it. One entry means that the
    message is to be read as a whole.
    """
    groups: list[_Read] = []
    for one in read:
        if not groups:
            if one.intent in SOCIAL and one is not read[-1]:
                continue
            groups.append(one)
        elif _apart(groups[-1], one, whole):
            groups.append(one)
        else:
            if not _begins(groups[-1]) and _begins(one):
                # A story, and what it leads to.
                return []
            groups[-1] = replace_end(groups[-1], one.piece.end)
    return groups


def replace_end(one: _Read, end: int) -> _Read:
    """Return the request with a later end."""
    return _Read(replace(one.piece, end=end), one.message)


def _begins(one: _Read) -> bool:
    return one.intent not in SOCIAL | ANSWERS and _sure(one, 0.5)


def _apart(before: _Read, after: _Read, whole: _Read) -> bool:
    """Tell whether two neighbouring pieces are surely two requests."""
    hard = after.piece.hard
    if after.intent in SOCIAL | ANSWERS | {"stop", EMERGENCY} or _AMENDS.match(after.message.get(TEXT)):
        return False
    if not _sure(after, 0.6 if hard else 0.9):
        return False
    if before.intent in ANSWERS:
        return hard and _sure(before, 0.7)
    if before.intent in SOCIAL or not _sure(before, 0.55 if hard else 0.9):
        return False
    if before.intent == after.intent:
        if before.intent == FAQ and _answer(before) == _answer(after):
            return False
        return before.intent in REPEATABLE and hard
    if hard:
        return before.intent not in _FEELINGS or _sure(before, 0.9)
    return (
        whole.intent in (before.intent, after.intent)
        and not {before.intent, after.intent} & _FEELINGS
        and FAQ not in (before.intent, after.intent)
        and _ABOUT.search(after.message.get(TEXT)) is not None
        and not any({before.intent, after.intent} <= near for near in _NEAR)
        and (before.intent == "stop" or not _TOLD.search(before.message.get(TEXT)))
    )


def _keep(message: Message, groups: list[_Read]) -> None:
    first, *further = groups
    start = further[0].piece.start
    text = message.get(TEXT)
    _take(message, first)
    told = {
        ENTITY_ATTRIBUTE_TYPE: ENTITY,
        ENTITY_ATTRIBUTE_VALUE: [_told(one, text) for one in further],
        ENTITY_ATTRIBUTE_START: start,
        ENTITY_ATTRIBUTE_END: len(text),
        EXTRACTOR: RequestJoiner.__name__,
    }
    message.set(ENTITIES, [*message.get(ENTITIES, []), told], add_to_output=True)


def _take(message: Message, one: _Read) -> None:
    """Give a message the reading of one of its pieces."""
    for name in (INTENT, INTENT_RANKING_KEY, RESPONSE_SELECTOR_PROPERTY_NAME):
        value = one.message.get(name)
        if value is not None:
            message.set(name, value, add_to_output=True)


def _told(one: _Read, text: str) -> dict[str, Any]:
    """Return a further request as the conversation keeps it."""
    return {
        "begin": one.piece.start,
        # Entities are placed in the stripped text, as the piece was read.
        TEXT: text[one.piece.start : one.piece.end].strip(),
        "intent": one.intent,
        "confidence": round(one.confidence, 4),
        "entities": [
            {key: entity[key] for key in ("entity", "value", "start", "end")}
            for entity in one.message.get(ENTITIES, [])
        ],
        "answer": _answer(one) if one.intent == FAQ else None,
    }


def _answer(one: _Read) -> str | None:
    """Return the response that a question about the manual would get."""
    selector = one.message.get(RESPONSE_SELECTOR_PROPERTY_NAME) or {}
    response = selector.get(FAQ, {}).get("response", {})
    name = response.get(RESPONSE_SELECTOR_UTTER_ACTION_KEY)
    return str(name) if name else None
