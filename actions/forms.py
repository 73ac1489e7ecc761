"""What all forms share: filling any slot at any time, correcting, stepping aside, confirming.

A form asks its slots in order. Every message is searched for *all* of the form's values, so an
answer may give several at once, and a correction ("不对,是后天") reaches the right slot whatever
is being asked. A message with no value for the form is an aside: the form rejects it, the rules
answer it, and the form asks again.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any, ClassVar

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet

from actions.turn import Event, ServiceAction, Turn, close_form, elsewhere

# Never an answer to a form's question, whatever else the message holds.
INTERRUPTS = frozenset(
    {"report_emergency", "stop", "talk_to_human", "file_complaint", "bot_challenge", "help"}
)
NOT_RIGHT = re.compile(r"不对|错|有误|不准确")
SHORT_REFUSAL = 6
ANSWERS = frozenset({"inform", "affirm", "deny", "thank", "nlu_fallback", "out_of_scope", ""})


ENDS = " 。.!！~，,"
PLAIN_NO = re.compile(
    r"(?:取消(?:吧|了|预约)?[,，、\s]*)?(?:那|先|还是|暂时|就|都)*(?:不要|不用|不想?办|不想?弄|不想?绑|不想?查|不看|不开|不交|不提交|不约|别弄|别交)(?:了|吧|啦)*[,，]?\s*(?:谢谢)?"
)
# "忘了" is no wish to stop, and "不知道" no rejection.
UNSURE = re.compile(
    r"(?:我|也|都|有点|真的|实在|还)*"
    r"(?:不知道|不清楚|不确定|忘了|忘记了?|不记得了?|记不清楚?了?|记不得了?|想不起来了?|搞不清楚?)"
    r"(?:了|啊|呀|呢|哎|的|花|多少钱?|是?哪天|日期|金额|名字|哪家|哪种|选哪个|怎么选)*"
)


def meant_for_files(turn: Turn) -> bool:
    """Tell whether a message is a file, or about one sent before: no answer to another form."""
    if turn.entities("document") or turn.entities("document_refused"):
        return True
    return turn.form != "file_remove_form" and elsewhere(turn) == "action_change_files"


def says_no(text: str) -> bool:
    """Tell whether a message is a bare "不要了" or "取消，不约了".

    Elsewhere it may mean many things; when a cancellation is summed up it may mean yes.
    """
    return PLAIN_NO.fullmatch(text.strip(ENDS)) is not None


class Found:
    """Values found in a message, with where they stand in it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.spans: list[tuple[int, int]] = []

    def add(self, slot: str, value: Any, *spans: tuple[int, int]) -> None:
        """Note a value for a slot; ``None`` is no value."""
        if value is not None:
            self.values[slot] = value
            self.spans += spans


class Form(ServiceAction):
    """The validation action of one form.

    Class attributes:
        form: The form's name.
        slots: Its slots in the order of asking; the last is the confirmation if there is one.
        own: Intents that are about this task and hence no aside.
        confirm: The confirmation's slot, if any.
        refusals: Said in a few words at the summary, these intents mean no ("取消", "不约了").
        repeats: At the summary these intents are the wish said once more, and mean yes.
        again: So do these words, whatever their intent looks like.
        keeps: Words that mean no at the summary ("别取消").
    """

    form: ClassVar[str]
    slots: ClassVar[tuple[str, ...]]
    own: ClassVar[frozenset[str]] = frozenset()
    confirm: ClassVar[str | None] = None
    ends_turn = False
    takes_answers = True
    # Any slot set here would keep an aside from being rejected.
    keeps_misses = True
    scratch: ClassVar[tuple[str, ...]] = ()
    refusals: ClassVar[frozenset[str]] = frozenset()
    repeats: ClassVar[frozenset[str]] = frozenset()
    again: ClassVar[re.Pattern[str] | None] = None
    keeps: ClassVar[re.Pattern[str] | None] = None
    _known: ClassVar[dict[str, type[Form]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Note every form by its name."""
        super().__init_subclass__(**kwargs)
        if "form" in vars(cls):
            cls._known[cls.form] = cls

    def name(self) -> str:
        """Return the name that Rasa looks for."""
        return f"validate_{self.form}"

    @abstractmethod
    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search the message for the form's values."""

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Check one value; say what is wrong and return ``None`` to refuse it."""
        return value

    def required(self, turn: Turn, values: dict[str, Any]) -> tuple[str, ...]:
        """Return the slots that are needed, given the values so far."""
        return self.slots

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Tell whether a message answers the question whatever its intent looks like."""
        return asked is not None and asked == self.confirm and self._said_again(turn.text)

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return what else changes when a slot has changed."""
        return {}

    def failed(self, turn: Tracker) -> list[Event]:
        """Keep the form open where it was: a changed slot keeps it from being rejected."""
        return [SlotSet("misses", 0), SlotSet("requested_slot", turn.get_slot("requested_slot"))]

    def handle(self, turn: Turn) -> list[Event]:
        """Take the message as an answer, a correction or an aside."""
        values = {slot: turn.slot(slot) for slot in (*self.slots, *self.scratch)}
        if not turn.fresh:
            return [self._next(turn, values)]
        if UNSURE.fullmatch(turn.text.strip(" 。.!！~…")):
            turn.say("unsure")
            return [SlotSet("misses", 0), self._next(turn, values)]
        if turn.form != "file_form" and meant_for_files(turn):
            return []
        asked = turn.slot("requested_slot")
        urgent = turn.intent == "report_emergency"
        if turn.intent in INTERRUPTS and (urgent or not self.certain(turn, asked)):
            return []
        found = self.find(turn, asked)
        confirmed = self._confirmation(turn, asked, found)
        if confirmed is not None and self.confirm:
            found.add(self.confirm, confirmed)
        if not found.values or self._aside(turn, asked, found):
            return []
        events: list[Event] = [SlotSet("misses", 0)]
        for slot, value in found.values.items():
            accepted = self.accept(turn, slot, value, values)
            updates = {slot: accepted}
            if accepted is not None and accepted != values.get(slot):
                # What the same message says anew is checked in its own turn.
                anew = dict.fromkeys(found.values)
                updates |= self.changed(turn, slot, {**values, **anew, slot: accepted})
            for name, new in updates.items():
                values[name] = new
                events.append(SlotSet(name, new))
        ending = self.ending(turn, values)
        if ending is not None:
            return [*events, *ending]
        return [*events, self._next(turn, values)]

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """Return events that end the form early, or ``None`` to go on."""
        return None

    def _next(self, turn: Turn, values: dict[str, Any]) -> Event:
        missing = None
        if not (self.confirm and values.get(self.confirm) is False):
            needed = self.required(turn, values)
            missing = next((slot for slot in needed if values.get(slot) is None), None)
        event: Event = SlotSet("requested_slot", missing)
        return event

    def _confirmation(self, turn: Turn, asked: str | None, found: Found) -> bool | None:
        if self.confirm is None or asked != self.confirm:
            return None
        # "对,就是明天" repeats what is there already: that is a yes, not a correction.
        if any(value != turn.slot(slot) for slot, value in found.values.items()):
            return False if says_no(turn.text) else None
        return self.yes_or_no(turn)

    def yes_or_no(self, turn: Turn) -> bool | None:
        """Read the answer to a summary; ``None`` if the message is neither a yes nor a no."""
        if self.keeps is not None and self.keeps.search(turn.text):
            return False
        if turn.intent in self.repeats or self._said_again(turn.text):
            return True
        if says_no(turn.text):
            return False
        if turn.intent == "deny" and NOT_RIGHT.search(turn.text):
            # Something in the summary is wrong: that asks for a correction, not for an end.
            return None
        if turn.intent in self.refusals and len(turn.text) <= SHORT_REFUSAL:
            return False
        return {"affirm": True, "deny": False}.get(turn.intent)

    def _said_again(self, text: str) -> bool:
        return self.again is not None and self.again.fullmatch(text.strip(ENDS)) is not None

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        if self.confirm in found.values:
            return False
        if turn.intent in self.own or turn.intent in ANSWERS:
            return False
        # "改成周五" changes an answer given before, whatever is being asked.
        answers = asked in found.values or any(turn.slot(s) is not None for s in found.values)
        return not (answers and turn.bare(found.spans))


def every_form() -> dict[str, type[Form]]:
    """Return the forms of all modules loaded so far, by name."""
    return dict(Form._known)


class Submit(ServiceAction):
    """What follows a filled form: one service call, an answer, and forgetting the answers."""

    form_class: ClassVar[type[Form]]

    def name(self) -> str:
        """Return the name used in the rules."""
        return f"action_submit_{self.form_class.form.removesuffix('_form')}"

    @abstractmethod
    def submit(self, turn: Turn) -> str | None:
        """Do it; return the action to go on with, if any."""

    def complete(self, turn: Turn) -> bool:
        """Tell whether the form was filled and confirmed (and not ended early)."""
        confirm = self.form_class.confirm
        return all(turn.slot(s) is not None for s in self.form_class.slots[:1]) and (
            confirm is None or turn.slot(confirm) is not None
        )

    def failed(self, turn: Tracker) -> list[Event]:
        """Go back to the form's last question: nothing said is lost, and a yes tries again.

        Whatever was stored before the failure is found again by its idempotency key.
        """
        form = self.form_class
        asked = form.confirm or form.slots[-1]
        if any(turn.get_slot(slot) is None for slot in form.slots[:1]):
            return [ActiveLoop(None), SlotSet("requested_slot", None)]
        again = [SlotSet(asked, None), ActiveLoop(form.form), SlotSet("requested_slot", asked)]
        return [*again, FollowupAction("action_listen")]

    def handle(self, turn: Turn) -> list[Event]:
        """Submit if complete; say that nothing was done if the summary was rejected."""
        then = None
        if self.complete(turn):
            confirm = self.form_class.confirm
            if confirm is not None and turn.slot(confirm) is False:
                turn.say("not_submitted")
            else:
                then = self.submit(turn)
        names = (*self.form_class.slots, *self.form_class.scratch)
        return close_form(turn, [n for n in names if n != "policy"], then=then)


def entity_spans(turn: Turn, *names: str) -> list[tuple[int, int]]:
    """Return where the entities of these kinds stand in the message."""
    return [
        (entity["start"], entity["end"])
        for name in names
        for entity in turn.entities(name)
        if "start" in entity
    ]


def end_early() -> list[Event]:
    """Return the events that end a form without submitting it."""
    return [ActiveLoop(None), SlotSet("requested_slot", None)]


class _Ask:
    """Asks for a slot with a text of the domain that needs nothing filled in."""

    slot: ClassVar[str]
    ends_turn = False

    def name(self) -> str:
        """Return the name that Rasa looks for."""
        return f"action_ask_{self.slot}"

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say(f"ask_{self.slot}")
        return []


class AskBindChildName(_Ask, ServiceAction):
    """Asks for ``bind_child_name``."""

    slot = "bind_child_name"


class AskBindPhone(_Ask, ServiceAction):
    """Asks for ``bind_phone``."""

    slot = "bind_phone"


class AskBindCode(_Ask, ServiceAction):
    """Asks for ``bind_code``."""

    slot = "bind_code"


class AskBookDate(_Ask, ServiceAction):
    """Asks for ``book_date``."""

    slot = "book_date"


class AskBookTime(_Ask, ServiceAction):
    """Asks for ``book_time``."""

    slot = "book_time"


class AskCancelLateConfirm(_Ask, ServiceAction):
    """Asks for ``cancel_late_confirm``."""

    slot = "cancel_late_confirm"


class AskMoveDate(_Ask, ServiceAction):
    """Asks for ``move_date``."""

    slot = "move_date"


class AskMoveTime(_Ask, ServiceAction):
    """Asks for ``move_time``."""

    slot = "move_time"


class AskMoveLateConfirm(_Ask, ServiceAction):
    """Asks for ``move_late_confirm``."""

    slot = "move_late_confirm"


class AskDocumentsKind(_Ask, ServiceAction):
    """Asks for ``documents_kind``."""

    slot = "documents_kind"


class AskClaimKind(_Ask, ServiceAction):
    """Asks for ``claim_kind``."""

    slot = "claim_kind"


class AskClaimHospital(_Ask, ServiceAction):
    """Asks for ``claim_hospital``."""

    slot = "claim_hospital"


class AskClaimAmount(_Ask, ServiceAction):
    """Asks for ``claim_amount``."""

    slot = "claim_amount"


class AskConsultSymptom(_Ask, ServiceAction):
    """Asks for ``consult_symptom``."""

    slot = "consult_symptom"


class AskComplaintText(_Ask, ServiceAction):
    """Asks for ``complaint_text``."""

    slot = "complaint_text"


class AskClaimFollowUp(_Ask, ServiceAction):
    """Asks for ``claim_follow_up``."""

    slot = "claim_follow_up"


class AskTrackingNumber(_Ask, ServiceAction):
    """Asks for ``tracking_number``."""

    slot = "tracking_number"


class AskBankCard(_Ask, ServiceAction):
    """Asks for ``bank_card``."""

    slot = "bank_card"


class AskBankBranch(_Ask, ServiceAction):
    """Asks for ``bank_branch``."""

    slot = "bank_branch"
