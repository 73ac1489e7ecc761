"""The manual's answer to a question that came with a task: told first, then the task goes on.

"奶奶的手机绑卡填谁的号" is about binding and asks something; opening the form alone would not
answer it. The topic that ``bot.nlu.faq`` found beside the intent does, where it is surely meant.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from bot.nlu.answers import answer_of
from bot.nlu.normalise import plain
from bot.rules.coverage import find_item
from bot.settings import ROOT

if TYPE_CHECKING:
    from actions.turn import Turn

# Whose questions are answered first, and the rules that an answer must be about.
ANSWERED = {
    "bind_card": "E",
    "start_claim": "C",
    "ask_claim_documents": "C",
    "pay_self_pay": "E3",
    "check_appointment": "V2",
    "request_phone_consultation": "M1",
    "request_online_consultation": "M2",
    "request_triage": "M3",
    "book_vaccination": "X",
    "ask_lectures": "M5",
    "request_onsite_assistance": "M6",
    "request_counselling": "M7",
    "request_prior_authorization": "P",
    "ask_prior_authorization_rules": "P",
    "ask_cancellation_deadline": "V3",
    "ask_consultation_hours": "M",
    "file_complaint": "E2",
    "talk_to_human": "V2",
}
# Whoever is not bound can be told what the manual says before binding is asked for.
ANSWERED_UNBOUND = ANSWERED | {
    "check_visit_records": "E2",
    "check_balance": "E",
    "check_prior_authorization": "P",
    "check_claim_status": "C",
    "book_appointment": "V",
    "check_coverage": "X",
}
# What asks for a place, a way, a time or a reason, not for one's own figures.
GENERAL = re.compile(
    r"哪里|哪儿|在哪|从哪|边度|哪个(?:菜单|按钮|地方|入口|页面)|怎么(?!样)|怎样|咋(?!样)|多久|几天|几个工作日|多少天|"
    r"什么时候|啥时候|为什么|为啥|怎么会|还是|行不|[可能要]不[可能要]|可以吗|能吗|行吗|吗[?？]?$|"
    r"\b(?:how|where|why|when|can)\b",
    re.IGNORECASE,
)
# Asked of a booking, these are about the rule: "特需要提前几天约".
HOW_LONG = re.compile(r"多久|几天|多少天|几个工作日|提前|提早")
# The papers for a kind of visit are told by the action; these questions it does not answer.
OF_PAPERS = frozenset(
    f"utter_faq/{topic}"
    for topic in (
        "minor_papers_why", "claim_form_signature", "bank_details_why", "claim_by_email",
        "inpatient_claim_originals", "inpatient_courier_address", "internet_claim_e_receipts",
        "claim_incomplete_effect", "claim_invoice_original",
    )
)  # fmt: skip
# These answer by themselves; another answer goes before only where the intent is in some doubt.
ANSWER_THEMSELVES = frozenset(
    {"ask_cancellation_deadline", "ask_prior_authorization_rules", "ask_consultation_hours"}
)
# A term that the manual never mentions ("免赔额是多少") is not answered by what these tell.
NOT_TOLD_BY = frozenset(
    {"check_balance", "check_coverage", "check_visit_records", "check_appointment",
     "ask_cancellation_deadline", "ask_consultation_hours", "ask_claim_documents",
     "find_hospital", "request_counselling", "ask_lectures", "request_onsite_assistance",
     "request_phone_consultation", "request_online_consultation", "book_vaccination"}
)  # fmt: skip
NOT_STATED = "utter_faq/not_stated"
OPEN = frozenset({NOT_STATED, "utter_faq/waiting_period", "utter_faq/plan_amounts_unstated"})
DOUBT, SURE, NEAR, VERY_NEAR = 0.97, 0.85, 0.9, 0.94
SURE_UNBOUND = 0.6
# A topic speaks for its family only where it is the likeliest by far.
FOREMOST = 0.5
# Below the first, a second answer from the other on is told, too. By cross-validation on the
# training questions it is told with a fifth of them, and one more in twenty holds what was asked.
IN_DOUBT, LIKELY_ENOUGH = 0.5, 0.1
QUESTION = re.compile(
    r"[?？吗嘛呢么]|不[。.!~]?$|没有?[。.!~]?$|还是|行不|什么|啥|怎么|咋|哪|多少|多久|几|谁|([一-鿿])不\1|也(?:想|要)(?:看|用|绑|有)|有没有|为何|凭什|乜|"
    r"\b(?:what|how|when|where|why|can|do|does|is|are|need)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def _topics() -> dict[str, dict[str, Any]]:
    text = (ROOT / "data" / "faq.yml").read_text("utf-8")
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return {f"utter_faq/{topic['id']}": topic for topic in loaded["topics"]}


@lru_cache(maxsize=1)
def rules_of_topics() -> dict[str, tuple[str, ...]]:
    """Return the manual's rules that each topic of ``data/faq.yml`` is about."""
    return {name: tuple(topic["rules"]) for name, topic in _topics().items()}


def answer_first(turn: Turn) -> tuple[str | None, bool]:
    """Return the manual's answer to a question that came with a task.

    Returns:
        The response to give before the task, if there is one; and whether the task would answer
        another question than the one asked, so that the response stands in its place.
    """
    message = turn.tracker.latest_message
    # Simplified, too: the words above stand in no other script.
    text = plain(turn.text) if turn.text else ""
    if not QUESTION.search(text):
        return None, False
    selected = (message.get("response_selector") or {}).get("faq", {})
    response = selected.get("response", {})
    name = str(response.get("utter_action"))
    item = find_item(text) if turn.intent == "check_coverage" else None
    if item is not None and item.name != "deductible":
        # The action names the thing asked about, and says so where the manual is silent on it.
        return None, False
    if response.get("unstated") and turn.intent in NOT_TOLD_BY:
        return (name if name in OPEN else NOT_STATED), True
    unbound = not turn.choices and GENERAL.search(text) is not None
    about = (ANSWERED_UNBOUND if unbound else ANSWERED).get(turn.intent)
    if turn.intent == "book_appointment" and HOW_LONG.search(text):
        about = "V2"
    if about is None:
        return None, False
    if turn.intent in ANSWER_THEMSELVES and message["intent"].get("confidence", 1.0) >= DOUBT:
        return None, False
    if turn.intent == "ask_claim_documents" and name not in OF_PAPERS:
        return None, False
    enough = SURE_UNBOUND if unbound and name not in OPEN else SURE
    alone = float(response.get("confidence", 0))
    if turn.intent in ANSWER_THEMSELVES:
        # What these tell is near enough, unless the question is plainly for another topic.
        sure = alone >= enough
    else:
        sure = alone >= FOREMOST and _confidence(selected, about) >= enough
    if not sure or response.get("nearness", 0) < NEAR or not _is_about(name, about):
        return None, False
    return name, False


def sure_answer(turn: Turn) -> str | None:
    """Return the manual's answer to a message that is surely a question about it, else ``None``."""
    selected = (turn.tracker.latest_message.get("response_selector") or {}).get("faq", {})
    response = selected.get("response", {})
    asked = turn.text and QUESTION.search(plain(turn.text))
    sure = response.get("confidence", 0) >= SURE and response.get("nearness", 0) >= VERY_NEAR
    return str(response["utter_action"]) if asked and sure else None


def second_answer(turn: Turn) -> str | None:
    """Return what else a question may have meant, where the answer that was told is in doubt.

    Two short answers, of which one is right, are better than one that may be wrong. What the
    manual leaves open is never told beside an answer, nor the other way round.

    Returns:
        The second likeliest topic's answer with its section, else ``None``.
    """
    selected = (turn.tracker.latest_message.get("response_selector") or {}).get("faq", {})
    told = str(selected.get("response", {}).get("utter_action"))
    likely = [
        (f"utter_{one['intent_response_key']}", float(one["confidence"]))
        for one in (selected.get("ranking") or [])[:2]
    ]
    if turn.more or len(likely) < 2 or likely[0][0] != told or told in OPEN:
        return None
    (_, first), (name, second) = likely
    if first >= IN_DOUBT or second < LIKELY_ENOUGH or name in OPEN:
        return None
    return answer_of(_topics()[name])


def _is_about(name: str, about: str) -> bool:
    """Tell whether a response is about a rule of the manual, or a part of its rules ("E")."""
    return any(rule.startswith(about) for rule in rules_of_topics().get(name, ()))


def _confidence(selected: dict[str, Any], about: str) -> float:
    """Return how likely the question is about these rules, whichever of their topics it is.

    Neighbouring topics share a question's confidence, and their answers share the facts.
    """
    ranking = selected.get("ranking") or []
    family = [
        float(one["confidence"])
        for one in ranking
        if _is_about(f"utter_{one['intent_response_key']}", about)
    ]
    return max(sum(family), float(selected.get("response", {}).get("confidence", 0)))
