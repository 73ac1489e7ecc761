"""Several requests in one message: the first is served, then each of the others as if just sent.

``bot.nlu.requests`` finds them. What waits stands in the slot ``pending_requests``; the one that
an action is run for, with its own words and entities, in the slot ``request``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from rasa_sdk.events import FollowupAction, SlotSet

from actions.children import policy_of
from bot.services import hospitals as directory
from bot.settings import ROOT

if TYPE_CHECKING:
    from actions.turn import Turn

Event = dict[str, Any]
Request = dict[str, Any]
WAITING, BEGUN = "pending_requests", "request"
# What "您是想…还是…" was asked about: the message itself, which the choice is then served with.
UNCLEAR = "unclear"
SHORT_CHOICE = 10
NEXT = "action_next_request"
FURTHER = "further_requests"
MOST_WAITING = 4
LONGEST_SAID = 30
# Asked for once, these may be meant for each of the children named.
# These answer for all children by themselves.
ALL_AT_ONCE = frozenset({"check_visit_records", "pay_self_pay"})
EACH_CHILD = frozenset(
    {"book_appointment", "check_balance", "check_coverage", "check_visit_records", "start_claim",
     "request_phone_consultation", "pay_self_pay", "book_vaccination"}
)  # fmt: skip
ALL_CHILDREN = re.compile(
    r"(?:[两俩二2]个?|都|所有|每个)(?:孩子|小孩|娃|宝宝?|小朋友|丫头|儿子|女儿)"
)


@lru_cache(maxsize=1)
def actions_of_intents() -> dict[str, str]:
    """Return what the rules do first for each intent."""
    found: dict[str, str] = {}
    files = [ROOT / "data" / "rules.yml", *sorted((ROOT / "data" / "rules").glob("*.yml"))]
    for file in files:
        for rule in yaml.safe_load(file.read_text("utf-8"))["rules"]:
            intent, action = rule["steps"][0].get("intent"), rule["steps"][1].get("action")
            if intent and action:
                found[intent] = action
    return found


def begun(turn: Turn, action: str) -> Request | None:
    """Return the waiting request that an action is run for; None if it is for the message."""
    request = turn.slot(BEGUN)
    if (
        isinstance(request, dict)
        and request.get("action") == action
        and _since_message(turn, BEGUN)
    ):
        return request
    return None


def read(turn: Turn, action: str) -> tuple[Request | None, list[Request]]:
    """Return what the message's first request is and what else it asks for.

    Args:
        turn: The turn, not yet told of any request.
        action: The action that is run.

    Returns:
        The first request, ``None`` where the message as a whole is it, and the others.
    """
    if actions_of_intents().get(turn.intent) == action:
        meant = chosen(turn, turn.intent)
        if meant is not None:
            return meant, []
    first, others = _split(turn)
    if actions_of_intents().get(turn.intent) == action and turn.intent in EACH_CHILD:
        first, others = _for_each_child(turn, first, others)
    # An action that follows another one has been preceded by the storing of the others.
    return first, [] if _since_message(turn, WAITING) else others


def remember(turn: Turn, choices: list[str]) -> Event:
    """Return the event that keeps an unclear message while the parent chooses its meaning."""
    text = turn.text
    kept = {"text": text, "entities": _own(turn, len(text)), "choices": choices}
    event: Event = SlotSet(UNCLEAR, kept)
    return event


def unclear(turn: Turn) -> Request | None:
    """Return the unclear message that the last reply asked about, with its choices."""
    messages = 0
    for event in reversed(turn.tracker.events):
        messages += event["event"] == "user"
        if messages > 1:
            return None
        if messages == 1 and event["event"] == "slot" and event.get("name") == UNCLEAR:
            value: Request | None = event["value"]
            return value
    return None


def chosen(turn: Turn, intent: str) -> Request | None:
    """Return the unclear message as a request if this message chooses its meaning."""
    asked = unclear(turn)
    if asked is None or intent not in asked["choices"] or len(turn.text) > SHORT_CHOICE:
        return None
    return {"text": asked["text"], "entities": asked["entities"], "intent": intent}


def chosen_by_place(turn: Turn, place: int | None) -> list[Event]:
    """Return the events that serve the first or second of the choices; none if it is no choice."""
    asked = unclear(turn)
    if asked is None or place is None or place > len(asked["choices"]):
        return []
    intent = asked["choices"][place - 1]
    action = actions_of_intents()[intent]
    request = {"text": asked["text"], "entities": asked["entities"], "intent": intent}
    return [SlotSet(BEGUN, {**request, "action": action}), FollowupAction(action)]


def _split(turn: Turn) -> tuple[Request | None, list[Request]]:
    told = turn.entity(FURTHER)
    number = turn.tracker.latest_message.get("message_id")
    others = [{**one, "message": number} for one in told] if isinstance(told, list) else []
    while others and others[0]["intent"] == turn.intent and not _differ(turn, others[0]):
        others.pop(0)
    if not others:
        return None, []
    text = turn.text
    if turn.intent == "inform" and turn.form is None:
        # No question was asked: the information belongs to the request that follows.
        return None, [{**others[0], "text": text, "entities": _own(turn, len(text))}, *others[1:]]
    end = others[0]["begin"]
    return {"text": text[:end], "intent": turn.intent, "entities": _own(turn, end)}, others


def _own(turn: Turn, end: int) -> list[dict[str, Any]]:
    found = turn.tracker.latest_message.get("entities") or []
    return [e for e in found if e.get("entity") != FURTHER and e.get("end", 0) <= end]


def _differ(turn: Turn, other: Request) -> bool:
    """Tell whether a request of the same kind names another child, place, department or day."""
    if other["intent"] == "faq":
        return True
    known = directory.hospitals(turn.store)
    departments = list(dict.fromkeys(d for h in known for d in h.departments))

    def particulars(text: str, entities: list[dict[str, Any]]) -> list[Any]:
        place = directory.match_hospital(text, known)
        department = directory.match_department(text, departments)
        days = [e["value"].get("date") for e in entities if e["entity"] == "date"]
        names = sorted(c.number for c in turn.choices if c.child[1:] in text)
        return [place and place.value, department and department.value, days[:1], names]

    mine = particulars(turn.text[: other["begin"]], _own(turn, other["begin"]))
    theirs = particulars(other["text"], other["entities"])
    return any(a and b and a != b for a, b in zip(mine, theirs, strict=True))


def _for_each_child(
    turn: Turn, first: Request | None, others: list[Request]
) -> tuple[Request | None, list[Request]]:
    text = first["text"] if first else turn.text
    meant = [c for c in turn.choices if c.child in text or c.child[1:] in text]
    if len(meant) < 2 and turn.intent not in ALL_AT_ONCE and ALL_CHILDREN.search(text):
        meant = list(turn.choices)
    # Of a child's several policies one is meant.
    names = list(dict.fromkeys(c.child for c in meant))
    today, current = turn.now.date(), turn.slot("policy")
    chosen = [policy_of(name, turn.choices, current, today) for name in names]
    meant = [c for c in chosen if c is not None]
    if len(meant) < 2 or re.search(r"不是|换成|而不|还是|不要|错", text):
        return first, others
    own = first or {"text": text, "intent": turn.intent, "entities": _own(turn, len(text))}
    own = {**own, "answer": None, "message": turn.tracker.latest_message.get("message_id")}
    each = [{**own, "policy": c.number, "child": c.child} for c in meant]
    return each[0], [*each[1:], *others]


def after(
    turn: Turn, others: list[Request], events: list[Event], *, begins_next: bool
) -> list[Event]:
    """Return an action's events, completed by what is to be done about other requests.

    Args:
        turn: The turn.
        others: What the message asks for besides what the action has served.
        events: The action's own events.
        begins_next: Whether the action may be followed by a waiting request.
    """
    waiting = _waiting(turn, events)
    followup = next((e["name"] for e in events if e["event"] == "followup"), None)
    if others:
        aside = turn.form is not None and followup == turn.form
        waiting = [*({**one, "aside": aside} for one in others), *waiting][:MOST_WAITING]
        events = [SlotSet(WAITING, waiting), *events]
    if not waiting:
        return events
    if followup is None:
        closed = any(e["event"] == "active_loop" and e["name"] is None for e in events)
        if begins_next and (turn.form is None or closed):
            return [*events, FollowupAction(NEXT)]
    elif followup == turn.form and waiting[0].get("aside"):
        return [*(e for e in events if e["event"] != "followup"), FollowupAction(NEXT)]
    elif followup.endswith("_form") and any(one.get("aside") for one in waiting):
        # The aside has become a task: the others wait for its end.
        later = [{**one, "aside": False} for one in waiting]
        return [*events, SlotSet(WAITING, later)]
    return events


def after_answer(turn: Turn, others: list[Request], events: list[Event]) -> list[Event]:
    """Return a form's events after an answer that came with requests.

    They are served before the form's next question; at its end, they are what comes next.
    """
    if not others or not events:
        return events
    goes_on = any(
        e["event"] == "slot" and e["name"] == "requested_slot" and e["value"] for e in events
    )
    waiting = [*({**one, "aside": goes_on} for one in others), *_waiting(turn, events)]
    events = [*events, SlotSet(WAITING, waiting[:MOST_WAITING])]
    return [*events, FollowupAction(NEXT)] if goes_on else events


def question_waits(turn: Turn) -> bool:
    """Tell whether a form's question is to wait for an aside of the same message."""
    waiting = turn.slot(WAITING)
    return bool(waiting) and bool(waiting[0].get("aside"))


def take_next(turn: Turn) -> tuple[Request | None, list[Event]]:
    """Return the request to begin now and the events that take it off the list."""
    waiting = list(turn.slot(WAITING) or [])
    if not waiting:
        return None, []
    return waiting[0], [SlotSet(WAITING, waiting[1:] or None)]


def as_said(request: Request) -> str:
    """Return a request in the parent's words."""
    said = str(request["text"]).strip(" ,，。;；!！~～")
    said = said if len(said) <= LONGEST_SAID else said[: LONGEST_SAID - 1] + "…"
    child = request.get("child")
    return f"{child}：{said}" if child else said


def from_this_message(turn: Turn, request: Request) -> bool:
    """Tell whether a request was said in the message that is being answered."""
    return bool(request.get("message") == turn.tracker.latest_message.get("message_id"))


def _waiting(turn: Turn, events: list[Event]) -> list[Request]:
    for event in reversed(events):
        if event["event"] == "slot" and event["name"] == WAITING:
            return list(event["value"] or [])
    return list(turn.slot(WAITING) or [])


def _since_message(turn: Turn, slot: str) -> bool:
    for event in reversed(turn.tracker.events):
        if event["event"] == "user":
            return False
        if event["event"] == "slot" and event.get("name") == slot:
            return True
    return False
