"""Emergencies, people, stopping, not understanding, and the rest of a conversation."""

from __future__ import annotations

import re

from rasa_sdk.events import FollowupAction, SlotSet

from actions import manual, requests, texts
from actions.authorization_answers import (
    CHANGE_ACTION,
    RULES_ACTION,
    change_wanted,
    follows_rules,
    meant_action,
)
from actions.claim_answers import CLAIM_WORD
from actions.forms import every_form, says_no
from actions.hospitals import say_hospitals
from actions.people import give_up_waiting
from actions.turn import Event, ServiceAction, Turn, close_form, resume
from bot.services import handoffs
from bot.services import hospitals as directory

MISSES_BEFORE_HUMAN = 2
# What a bare number is about, by its letter.
REFERENCES = {
    "A": "action_check_appointment",
    "C": "action_check_claim_status",
    "L": "action_ask_lectures",
    "P": "action_check_prior_authorization",
    "R": "action_check_appointment",
    "S": "action_pay_self_pay",
    "T": "action_call_backs",
}
# A question that a yes answers, and a button that only begins a task.
ASKS = ("吗？", "吗?")
OFFER = re.compile(r"/[a-z_]+")
# "算了都不办了" leaves nothing to be done.
EVERYTHING = re.compile(r"都|全|什么也")
# Below this share of confidence a second intent is no candidate for "您是想…还是…".
SECOND_CHOICE = 0.15


class ActionReportEmergency(ServiceAction):
    """Danger: 120 first, hotline, and an urgent hand-off; in any state (安全)."""

    action_name = "action_report_emergency"
    failure_response = "emergency"
    begins_next = False

    def handle(self, turn: Turn) -> list[Event]:
        """Say it before anything else is tried; the form, if any, waits for the next message."""
        turn.say("emergency")
        try:
            handoffs.request_handoff(
                turn.store, identity_id=turn.identity.id, reason="emergency", now=turn.now
            )
        except Exception:
            # The call to 120 must reach the parent whatever happens to the store.
            self.log_failure(turn.tracker)
        # Whatever else was asked for is not what matters now.
        return [] if turn.form else [SlotSet(requests.WAITING, None)]


class ActionStop(ServiceAction):
    """Leaves the current task."""

    action_name = "action_stop"

    def handle(self, turn: Turn) -> list[Event]:
        """Forget the task's answers; a task put aside is offered again."""
        if turn.form is None and change_wanted(turn):
            return [FollowupAction(CHANGE_ACTION)]
        everything = [SlotSet(requests.WAITING, None)] if EVERYTHING.search(turn.text) else []
        if turn.form is None:
            if not turn.more and not give_up_waiting(turn):
                turn.say("nothing_to_stop")
            return [*everything, SlotSet("pending_task", None)]
        turn.say("stopped")
        form = every_form()[turn.form]
        names = (*form.slots, *form.scratch)
        forgotten = close_form(turn, [n for n in names if n != "policy"])
        return [*everything, SlotSet("pending_task", None), *forgotten]


class ActionAffirm(ServiceAction):
    """A yes to nothing in particular; inside a form its question stands."""

    action_name = "action_affirm"

    def handle(self, turn: Turn) -> list[Event]:
        """Take it for a yes to what was just offered, if that is one thing; else ask."""
        if turn.form is not None or turn.more:
            return resume(turn)
        before = _last_turn(turn)
        chosen = self._chosen_hospital(turn)
        if chosen is not None:
            return chosen
        offered = _offered(before)
        if offered is not None:
            return [FollowupAction(offered)]
        submitted = any(
            e["event"] == "action" and e["name"].startswith("action_submit_") for e in before
        )
        turn.say("done_already" if submitted else "affirm")
        return []

    @staticmethod
    def _chosen_hospital(turn: Turn) -> list[Event] | None:
        """Take "那新华吧" for the choice of a hospital; ``None`` if none is named."""
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(turn.text, known)
        meant = next((h for h in known if place and h.name == place.value), None)
        if meant is None:
            return None
        if meant.kind == "public_special":
            return [SlotSet("book_hospital", meant.name), FollowupAction("action_book_appointment")]
        say_hospitals(turn, [meant])
        return []


def _last_turn(turn: Turn) -> list[Event]:
    """Return the events between the parent's last message but one and this one."""
    events = list(turn.tracker.events)
    said = [i for i, e in enumerate(events) if e["event"] == "user"]
    return events[said[-2] if len(said) > 1 else 0 : said[-1]] if said else []


def _offered(before: list[Event]) -> str | None:
    """Return the action of the one button under a question ("要约一个吗？"), if there is one."""
    replies = [e for e in before if e["event"] == "bot"]
    buttons = [b for e in replies for b in (e.get("data") or {}).get("buttons") or []]
    if len(buttons) != 1 or not str(replies[-1].get("text") or "").rstrip().endswith(ASKS):
        return None
    payload = str(buttons[0]["payload"])
    return f"action_{payload[1:]}" if OFFER.fullmatch(payload) else None


class ActionDeny(ServiceAction):
    """A no to nothing in particular; inside a form its question stands."""

    action_name = "action_deny"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Leave it; "不要了" to a form's question leaves the form."""
        if turn.form and says_no(turn.text):
            return [FollowupAction("action_stop")]
        if requests.unclear(turn) is not None:
            # Neither of the two readings: the next is a person.
            return [FollowupAction("action_not_understood")]
        if turn.form or not (turn.more or give_up_waiting(turn)):
            turn.say("deny_in_form" if turn.form else "deny")
        return [SlotSet("misses", 0), *resume(turn)]


class ActionResume(ServiceAction):
    """Asks the open form's question again after an aside that the rules answered."""

    action_name = "action_resume"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Go back to the form."""
        return [SlotSet("misses", 0), *resume(turn)]


class ActionSecondAnswer(ServiceAction):
    """Answers what else a question about the manual may have meant."""

    action_name = "action_second_answer"
    keeps_misses = True
    # action_resume ends it.
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Say the second likeliest answer where the likeliest is in doubt, else nothing."""
        answer = manual.second_answer(turn)
        if answer is not None:
            turn.say("second_answer", answer=answer)
        return []


class ActionOutOfScope(ServiceAction):
    """Beside the point; a number that it holds is answered nevertheless."""

    action_name = "action_out_of_scope"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Say so; twice in a row inside a form brings a person."""
        about = REFERENCES.get(str(turn.entity("reference") or "")[:1])
        if about is not None:
            return [FollowupAction(about)]
        turn.say("out_of_scope")
        if not turn.form:
            return [SlotSet("misses", 0)]
        misses = int(turn.slot("misses") or 0) + 1
        if misses >= MISSES_BEFORE_HUMAN:
            turn.say("two_misses")
            misses = 0
        return [SlotSet("misses", misses), *resume(turn)]


class ActionNextRequest(ServiceAction):
    """Begins what else the parent asked for, as if it had just been sent."""

    action_name = "action_next_request"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Answer it, or hand it to its action."""
        request, events = requests.take_next(turn)
        if request is None:
            return resume(turn)
        unclear = request["intent"] == "nlu_fallback"
        if unclear or request.get("child") or not requests.from_this_message(turn, request):
            turn.say("next_request", said=requests.as_said(request))
        action = request["answer"] or requests.actions_of_intents()[request["intent"]]
        if action.startswith("utter_"):
            turn.dispatcher.utter_message(response=action)
            return [*events, *resume(turn)]
        begun = SlotSet(requests.BEGUN, {**request, "action": action})
        return [*events, begun, FollowupAction(action)]


class ActionNotUnderstood(ServiceAction):
    """Unsure: offers the two likeliest readings, then what the bot can do, then a person."""

    action_name = "action_not_understood"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Count misses in a row; the second brings a person."""
        meant = meant_action(turn) if turn.form is None else None
        if meant is not None:
            return [FollowupAction(meant)]
        picked = requests.chosen_by_place(turn, texts.ordinal(turn.text))
        if picked:
            return [SlotSet("misses", 0), *picked]
        if turn.form is None and turn.entity("phone") and "bind_card" in self._likely(turn):
            return [FollowupAction("action_bind_card")]
        answer = manual.sure_answer(turn) if turn.form is None and turn.request is None else None
        if answer is not None:
            turn.dispatcher.utter_message(response=answer)
            return [SlotSet("misses", 0)]
        misses = int(turn.slot("misses") or 0) + 1
        if misses >= MISSES_BEFORE_HUMAN:
            turn.say("two_misses")
            return [SlotSet("misses", 0), *resume(turn)]
        if turn.form:
            turn.say("not_understood_in_form")
            return [SlotSet("misses", misses), FollowupAction(turn.form)]
        likely = self._likely(turn)
        if len(likely) == 2:
            titles = [texts.word("intent", name) for name in likely]
            turn.say(
                "which_of_two",
                first=titles[0],
                second=titles[1],
                buttons=[
                    {"title": title, "payload": f"/{name}"}
                    for title, name in zip(titles, likely, strict=True)
                ],
            )
            return [SlotSet("misses", misses), requests.remember(turn, likely)]
        turn.say("not_understood")
        return [SlotSet("misses", misses)]

    @staticmethod
    def _likely(turn: Turn) -> list[str]:
        ranking = turn.tracker.latest_message.get("intent_ranking") or []
        if turn.request is not None:
            ranking = turn.request.get("ranking") or []
        return [
            str(entry["name"])
            for entry in ranking
            if entry["confidence"] >= SECOND_CHOICE and texts.has_line(f"intent_{entry['name']}")
        ][:2]


class ActionInform(ServiceAction):
    """A bare piece of information outside a form: a hospital's name gets its details."""

    action_name = "action_inform"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Tell about the hospital named; else say that it was not understood."""
        if turn.entities("document") or turn.entities("document_refused"):
            return [FollowupAction("action_receive_documents")]
        if turn.form:
            return [FollowupAction("action_not_understood")]
        if follows_rules(turn):
            return [FollowupAction(RULES_ACTION)]
        if turn.more:
            return []
        if len(turn.choices) > 1 and turn.child_named() is not None:
            return [FollowupAction("action_switch_policy")]
        if CLAIM_WORD.search(turn.text) and (turn.entity("amount") or turn.entity("claim_kind")):
            return [FollowupAction("action_start_claim")]
        if turn.entity("phone") is not None:
            return [FollowupAction("action_bind_card")]
        about = REFERENCES.get(str(turn.entity("reference") or "")[:1])
        if about is not None:
            return [FollowupAction(about)]
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(turn.text, known)
        if place is None:
            answer = manual.sure_answer(turn)
            if answer is None:
                return [FollowupAction("action_not_understood")]
            turn.dispatcher.utter_message(response=answer)
            return [SlotSet("misses", 0)]
        say_hospitals(turn, [h for h in known if h.name == place.value])
        return [SlotSet("misses", 0)]
