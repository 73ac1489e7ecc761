"""One turn of a conversation as an action sees it: who writes, what was said, how to answer."""

from __future__ import annotations

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import manual, requests
from actions.children import meant, policy_of
from actions.texts import inform_button
from actions.writer import conversation_id, handed_over, who_writes
from bot import clock
from bot.services import identity as identities
from bot.services.identity import Identity, PolicyChoice
from bot.services.pictures import PictureView
from bot.store.session import Store, get_store
from bot.texts import texts

logger = logging.getLogger(__name__)
Event = dict[str, Any]

# Words that carry no value of their own in an answer such as "那就改成后天吧".
FILLER = re.compile(
    r"不对|不是|应该|改成|改为|换成|换到|改到|就是|我要|我想|想要|想去|可以|麻烦|帮我|是的|好的|谢谢|医院|科室|"
    r"[的吧了啊呀哦嗯呢我要想去就那是在到约挂看个号和、,，.。!！?？~\s]"
)
BARE_REST = 3
MISSES = frozenset({"action_not_understood", "action_out_of_scope", "utter_out_of_scope"})
# Answered by their own action whatever else the message holds.
FIRST = frozenset({"report_emergency", "ask_medical_advice", "talk_to_human", "file_complaint"})
NOT_THIS = re.compile(r"(?:不是|并非|不要|别约|不约|除了)\s*$")


def say(
    dispatcher: CollectingDispatcher,
    name: str,
    buttons: Iterable[dict[str, str]] = (),
    picture: PictureView | None = None,
    pin: bool = False,
    **values: Any,
) -> None:
    """Add a text of ``data/texts/`` to the reply, with its buttons and these.

    The picture comes with the text, never instead of it; ``pin`` asks apps to keep it on top.
    """
    reply = texts()[name]
    text = reply.text.format(**values)
    shown = {"image": picture.path, "alt": picture.alt, "pin": pin} if picture else {}
    dispatcher.utter_message(text=text, buttons=[*reply.buttons, *buttons], **shown)


@dataclass
class Turn:
    """The tracker's current state with short names, and the reply under construction."""

    dispatcher: CollectingDispatcher
    tracker: Tracker
    store: Store
    identity: Identity
    now: datetime
    told: set[str] = field(default_factory=set)
    # The claim that this turn has opened: files that follow are for it.
    opened: str | None = None
    # Set where the action serves one of several requests of a message, not all of it.
    request: requests.Request | None = None
    # Whether the message asks for more than the action serves.
    more: bool = False
    _choices: list[PolicyChoice] | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """What the parent typed; a button's payload counts as nothing typed."""
        if self.request is not None:
            return str(self.request["text"])
        text = str(self.tracker.latest_message.get("text") or "")
        return "" if text.startswith("/") else text

    @property
    def intent(self) -> str:
        """The recognised intent; ``faq`` for every topic of it."""
        if self.request is not None:
            return str(self.request["intent"])
        return str((self.tracker.latest_message.get("intent") or {}).get("name") or "")

    @property
    def form(self) -> str | None:
        """The form being filled, if any."""
        return (self.tracker.active_loop or {}).get("name")

    @property
    def fresh(self) -> bool:
        """Whether the message is still to be read (and this is not a form asking again).

        Rasa names the form itself as the latest action while it validates, so what counts is
        whether any other action has run since the parent wrote.
        """
        for event in reversed(self.tracker.events):
            if event["event"] == "user":
                return True
            if event["event"] == "action" and event.get("name") != self.form:
                return False
        return True

    @property
    def missed(self) -> bool:
        """Whether the message was no answer to anything: then asking again is no success."""
        for event in reversed(self.tracker.events):
            if event["event"] == "user":
                return False
            if event["event"] == "action" and event.get("name") in MISSES:
                return True
        return False

    @property
    def choices(self) -> list[PolicyChoice]:
        """The policies bound to this chat account."""
        if self._choices is None:
            self._choices = identities.choices(self.store, self.identity.id)
        return self._choices

    def slot(self, name: str) -> Any:
        """Return a slot's value."""
        return self.tracker.get_slot(name)

    def say(
        self,
        name: str,
        buttons: Iterable[dict[str, str]] = (),
        picture: PictureView | None = None,
        *,
        pin: bool = False,
        **values: Any,
    ) -> None:
        """Answer with a text of ``data/texts/``, ``{placeholders}`` filled (see :func:`say`)."""
        say(self.dispatcher, name, buttons, picture, pin, **values)

    def entities(self, name: str) -> list[dict[str, Any]]:
        """Return the recognised entities of one kind, as they stand in the text."""
        found = self.tracker.latest_message.get("entities") or []
        if self.request is not None:
            found = self.request["entities"]
        return [entity for entity in found if entity.get("entity") == name]

    def entity(self, name: str) -> Any:
        """Return the value of the first entity of a kind, or ``None``."""
        return next((e["value"] for e in self.entities(name)), None)

    def day(self, *, past: bool = False) -> date | None:
        """Return the day that was said; ``past`` reads "周五" as the last one."""
        for value in (e["value"] for e in self._dates()):
            said = (value.get("past") if past else None) or value.get("date")
            if said:
                return date.fromisoformat(said)
        return None

    def days(self) -> list[date]:
        """Return all days that were said, in order."""
        said = (e["value"].get("date") for e in self._dates())
        return [date.fromisoformat(day) for day in said if day]

    def _dates(self) -> list[dict[str, Any]]:
        """Return the dates said, without those only said not to be meant ("不是周三")."""
        text = self.text
        return [e for e in self.entities("date") if not NOT_THIS.search(text[: e.get("start", 0)])]

    def day_flags(self) -> frozenset[str]:
        """Return what is odd about the day that was said, for example ``impossible_date``."""
        return frozenset(f for e in self.entities("date") for f in e["value"].get("flags", ()))

    def clock_time(self) -> str | None:
        """Return the clock time said ("HH:MM"), else the part of the day, else ``None``."""
        for value in (e["value"] for e in self.entities("date")):
            said = value.get("time") or value.get("part")
            if said:
                return str(said)
        return None

    def amount(self) -> Decimal | None:
        """Return the amount said, in CNY."""
        value = self.entity("amount")
        return Decimal(str(value)) if value is not None else None

    def bare(self, spans: Iterable[tuple[int, int]]) -> bool:
        """Tell whether a message is nothing but the values found at ``spans``."""
        rest = list(self.text)
        for start, end in spans:
            rest[start:end] = [" "] * (end - start)
        return len(FILLER.sub("", "".join(rest))) <= BARE_REST

    def child_named(self) -> PolicyChoice | None:
        """Return the bound child that the message names, by full or given name."""
        text = self.text
        number = (self.request or {}).get("policy") or self.entity("policy")
        if number is not None:
            return next((c for c in self.choices if c.number == number), None)
        if not text:
            return None
        named = meant(text, self.choices)
        if len(named) != 1:
            return None
        return policy_of(named[0], self.choices, self.slot("policy"), self.now.date())


# Tell by a message's text and by what is stored that another action answers it.
REDIRECTS: list[Callable[[Turn], str | None]] = []


def elsewhere(turn: Turn) -> str | None:
    """Return the action that answers a message instead of its intent's, if there is one."""
    if turn.intent in FIRST or not turn.fresh:
        return None
    return next((name for find in REDIRECTS if (name := find(turn))), None)


class ServiceAction(Action, ABC):  # type: ignore[misc]
    """Runs :meth:`handle` in a thread; a failure apologises, is logged, and loses nothing."""

    action_name: ClassVar[str] = ""
    keeps_misses = False
    ends_turn = True
    # Whether what else the parent asked for may be begun right after this.
    begins_next = True
    # Whether it fills a form.
    takes_answers = False

    @property
    def asks(self) -> bool:
        """Whether it asks a form's question."""
        return self.name().startswith("action_ask_") and not self.ends_turn

    failure_response = "failure"

    def name(self) -> str:
        """Return the action's name in the domain."""
        return self.action_name

    @abstractmethod
    def handle(self, turn: Turn) -> list[Event]:
        """Read the turn, call one service, answer; return the tracker's events."""

    def failed(self, turn: Tracker) -> list[Event]:
        """Return the events after a failure."""
        return []

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Run the action off the event loop."""
        try:
            return await asyncio.to_thread(self._run, dispatcher, tracker)
        except Exception:
            self.log_failure(tracker)
            dispatcher.messages.clear()
            say(dispatcher, self.failure_response)
            urgent = self.failure_response == "emergency"
            reason = "emergency" if urgent else "bot_failure"
            new = await asyncio.to_thread(handed_over, get_store, tracker, reason)
            if new and not urgent:
                say(dispatcher, "handoff_failure")
            return self.failed(tracker)

    def log_failure(self, tracker: Tracker) -> None:
        """Log the exception being handled, with the conversation's id and nothing personal."""
        extra = {"action": self.name(), "conversation": conversation_id(tracker)}
        logger.exception("action failed", extra=extra)

    def _run(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        store = get_store()
        who = who_writes(store, tracker)
        turn = Turn(dispatcher, tracker, store, who, clock.now())
        waiting = requests.begun(turn, self.name())
        others: list[requests.Request] = []
        if waiting is not None:
            turn.request = waiting
        else:
            turn.request, others = requests.read(turn, self.name())
        turn.more = bool(others)
        if self.asks and requests.question_waits(turn):
            return []
        other = elsewhere(turn) if self.ends_turn else None
        answer, instead = None, False
        if other is not None and other != self.name():
            events: list[Event] = [FollowupAction(other)]
        else:
            if waiting is None and requests.actions_of_intents().get(turn.intent) == self.name():
                answer, instead = manual.answer_first(turn)
            if answer is not None:
                dispatcher.utter_message(response=answer)
            events = resume(turn) if instead else list(self.handle(turn))
        if waiting is not None:
            events.insert(0, SlotSet(requests.BEGUN, None))
        if turn.slot("misses") and not turn.missed and not self.keeps_misses:
            events.insert(0, SlotSet("misses", 0))
        if self.ends_turn:
            events = requests.after(turn, others, events, begins_next=self.begins_next)
        elif self.takes_answers and turn.fresh:
            events = requests.after_answer(turn, others, events)
        if self.ends_turn and not any(event["event"] == "followup" for event in events):
            if turn.form and not any(event["event"] == "active_loop" for event in events):
                # Rasa takes a form that an aside has rejected for left until it is named again.
                events.append(ActiveLoop(turn.form))
            # After a followup no rule knows where the turn ends; say so, or Rasa falls back.
            events.append(FollowupAction("action_listen"))
        return events


def resume(turn: Turn) -> list[Event]:
    """Ask the open form's question again after an aside; nothing if no form is open."""
    return [FollowupAction(turn.form)] if turn.form else []


def open_form(turn: Turn, form: str) -> list[Event]:
    """Begin a form; one that is open already is put aside and offered again afterwards."""
    events: list[Event] = []
    if turn.form == form == "bind_form":
        turn.say("bind_first")
    if turn.form and turn.form != form:
        aside = [f for f in turn.slot("paused_forms") or [] if f not in (form, turn.form)]
        events = [SlotSet("paused_forms", [*aside, turn.form]), SlotSet("requested_slot", None)]
        events.append(ActiveLoop(None))
    return [*events, FollowupAction(form)]


def close_form(turn: Turn, slots: Iterable[str], *, then: str | None = None) -> list[Event]:
    """Forget a form's answers, then go on with ``then`` or with a form put aside."""
    events: list[Event] = [SlotSet(slot, None) for slot in slots]
    events += [ActiveLoop(None), SlotSet("requested_slot", None)]
    aside = list(turn.slot("paused_forms") or [])
    if then is not None:
        events.append(FollowupAction(then))
    elif aside:
        turn.say("back_to_task")
        events += [SlotSet("paused_forms", aside[:-1]), FollowupAction(aside[-1])]
    return events


def chosen_policy(turn: Turn, task: str) -> tuple[str | None, list[Event]]:
    """Return the policy to talk about, or the events that lead to choosing one.

    Args:
        turn: The turn.
        task: The action to go on with once the parent is bound and has chosen a child.
    """
    if not turn.choices:
        return None, [SlotSet("pending_task", task), *open_form(turn, "bind_form")]
    named = turn.child_named()
    if named is not None:
        return named.number, [SlotSet("policy", named.number)]
    known = turn.slot("policy")
    if known in [c.number for c in turn.choices]:
        return str(known), []
    if len(turn.choices) == 1:
        number = turn.choices[0].number
        return number, [SlotSet("policy", number)]
    return None, [SlotSet("pending_task", task), *open_form(turn, "policy_form")]


def policy_buttons(turn: Turn) -> list[dict[str, str]]:
    """Return one button for each bound policy; equal ones are told apart by their last day."""
    titles = [f"{c.child}·{c.plan}" for c in turn.choices]
    until = texts()["line_policy_until"].text
    return [
        inform_button(
            until.format(title=title, day=c.valid_to.isoformat())
            if titles.count(title) > 1
            else title,
            policy=c.number,
        )
        for title, c in zip(titles, turn.choices, strict=True)
    ]


def as_clock(value: str | None) -> tuple[time | None, str | None]:
    """Split a time slot into a clock time and a part of the day."""
    if value and ":" in value:
        return time.fromisoformat(value), None
    return None, value
