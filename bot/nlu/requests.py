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

from bot.nlu.emergency import DANGER, EMERGENCY, harmless_below
from bot.nlu.normalise import plain
from bot.nlu.seams import CUE, Piece, pieces, without_lead

ENTITY = "further_requests"
FAQ = "faq"
_PART = "request_part"
_MOST_PIECES = 4
_SHORTEST_UNCLEAR = 5
_SURE_DANGER = 0.6
_RANKING = 3

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
                said = text[piece.start : piece.end].strip()
                part = Message(data={TEXT: without_lead(said) if piece.hard else said})
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
    # A part lacks what the rest says of it: it must be surer than a whole message.
    surely = float(one.message.get(DANGER) or 0.0) >= _SURE_DANGER
    return one.intent == EMERGENCY and surely and harmless_below(plain(text)) == 0.0


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
            groups[-1] = _extended(groups[-1], one.piece.end)
    return groups


def _extended(one: _Read, end: int) -> _Read:
    """Return the request with a later end."""
    return _Read(replace(one.piece, end=end), one.message)


def _begins(one: _Read) -> bool:
    return one.intent not in SOCIAL | ANSWERS and _sure(one, 0.5)


def _apart(before: _Read, after: _Read, whole: _Read) -> bool:
    """Tell whether two neighbouring pieces are surely two requests."""
    hard = after.piece.hard
    if after.intent in SOCIAL | ANSWERS | {"stop", EMERGENCY} or _AMENDS.match(
        after.message.get(TEXT)
    ):
        return False
    if not _sure(after, 0.6 if hard else 0.9):
        # After "顺便问一下" comes a request even where it is not understood: dropping it
        # without a word is worse than asking back.
        return (
            hard
            and after.intent == "nlu_fallback"
            and whole.intent == before.intent
            and before.intent not in SOCIAL | ANSWERS | _FEELINGS
            and len(after.message.get(TEXT)) >= _SHORTEST_UNCLEAR
            and CUE.search(after.message.get(TEXT)) is not None
            and _sure(before, 0.85)
        )
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
        ENTITY_ATTRIBUTE_VALUE: [_told(one) for one in further],
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


def _told(one: _Read) -> dict[str, Any]:
    """Return a further request as the conversation keeps it."""
    return {
        "begin": one.piece.start,
        TEXT: one.message.get(TEXT),
        "intent": one.intent,
        "confidence": round(one.confidence, 4),
        "entities": [
            {key: entity[key] for key in ("entity", "value", "start", "end")}
            for entity in one.message.get(ENTITIES, [])
        ],
        "answer": _answer(one) if one.intent == FAQ else None,
        "ranking": one.message.get(INTENT_RANKING_KEY, [])[:_RANKING],
    }


def _answer(one: _Read) -> str | None:
    """Return the response that a question about the manual would get."""
    selector = one.message.get(RESPONSE_SELECTOR_PROPERTY_NAME) or {}
    response = selector.get(FAQ, {}).get("response", {})
    name = response.get(RESPONSE_SELECTOR_UTTER_ACTION_KEY)
    return str(name) if name else None
