"""What is stored of a parent: a copy of it, and the wish to have it erased."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.rules.complaints import erasure_due
from bot.services import data_export, data_requests
from bot.services.data_requests import DataRequestView
from bot.settings import get_settings
from bot.store.files import get_files

REFERENCE = re.compile(r"(?<![A-Za-z0-9])[Dd][- ]?(\d{5})(?!\d)")

_CONFIRMS = r"(?:我)?(?:确认|确定|同意)(?!.*(?:吗|不|别|[?？])).*"
CONFIRMS = re.compile(_CONFIRMS)
EXPORTS = re.compile(
    rf"{_CONFIRMS}|(?:好的?|嗯+|对|要|请)*[,，]?(?:导出|下载|发我|给我)(?:一份|文件|一下|吧|呗)*"
)


class _Confirmed(Form):
    """A form whose questions are answered with yes or no.

    Class attributes:
        command: What began it; said again, it is no answer, and the question stands.
    """

    command: ClassVar[str]
    again = CONFIRMS

    def handle(self, turn: Turn) -> list[Event]:
        """Take a yes or a no for the question that is asked."""
        asked = turn.slot("requested_slot")
        if turn.fresh and asked in self.slots:
            answer = self.yes_or_no(turn)
            if answer is None:
                again = turn.entity("command") == self.command
                return [SlotSet("requested_slot", asked)] if again else []
            values = {slot: turn.slot(slot) for slot in self.slots} | {asked: answer}
            done = not answer or all(values[slot] is not None for slot in self.slots)
            following = None if done else next(s for s in self.slots if values[s] is None)
            return [
                SlotSet("misses", 0),
                SlotSet(asked, answer),
                SlotSet("requested_slot", following),
            ]
        return super().handle(turn)


class ActionExportData(ServiceAction):
    """Tells what is stored, offers it as a file."""

    action_name = "action_export_data"

    def handle(self, turn: Turn) -> list[Event]:
        """Open the form."""
        if turn.form == ExportForm.form:
            return resume(turn)
        return [SlotSet("export_confirm", None), *open_form(turn, ExportForm.form)]


class ExportForm(_Confirmed):
    """Whether to make the file."""

    form = "export_form"
    command = "export_data"
    again = EXPORTS
    slots = ("export_confirm",)
    confirm = "export_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for nothing: a message is a yes, a no, or an aside."""
        return Found()


class ActionAskExportConfirm(ServiceAction):
    """Tells what is stored in kinds and numbers; asks whether to make the file."""

    action_name = "action_ask_export_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Count."""
        stored = data_export.stored_about(turn.store, identity_id=turn.identity.id, now=turn.now)
        turn.say("confirm_export", lines=_counted(data_export.counts(stored)))
        return []


def _counted(found: dict[str, int]) -> str:
    known = {name: count for name, count in found.items() if texts.has_line(f"stored_{name}")}
    parts = [
        texts.line("count_of", what=texts.word("stored", name), count=count)
        for name, count in known.items()
    ]
    other = sum(found.values()) - sum(known.values())
    if other:
        parts.append(texts.line("count_of", what=texts.line("something_else"), count=other))
    return texts.line("and").join(parts)


class ActionSubmitExport(Submit):
    """Makes the file and tells how to get it."""

    form_class = ExportForm

    def submit(self, turn: Turn) -> str | None:
        """Make it; tell the link and until when it works."""
        settings = get_settings()
        made = data_export.request_export(
            turn.store,
            get_files(),
            settings.code_secret.get_secret_value(),
            identity_id=turn.identity.id,
            now=turn.now,
        )
        turn.say(
            "export_ready",
            reference=made.reference,
            link=f"{settings.base_url}/data/{made.token}/",
            until=_clock(made.expires_at),
        )
        return None


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"


class ActionEraseData(ServiceAction):
    """Begins asking for erasure."""

    action_name = "action_erase_data"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell of a wish that is open; else open the form."""
        if turn.form == EraseForm.form:
            return resume(turn)
        requests = data_requests.own_requests(turn.store, identity_id=turn.identity.id)
        waiting = next((r for r in requests if r.status in ("received", "checking")), None)
        if waiting is not None and waiting.due_at is not None:
            due = texts.moment(waiting.due_at, turn.now)
            turn.say("erase_already", reference=waiting.reference, due=due)
            return resume(turn)
        events: list[Event] = [SlotSet(slot, None) for slot in EraseForm.slots]
        return [*events, *open_form(turn, EraseForm.form)]


class EraseForm(_Confirmed):
    """Two confirmations: what it means, and again."""

    form = "erase_form"
    command = "erase_data"
    slots = ("erase_confirm", "erase_sure")
    confirm = "erase_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for nothing: a message is a yes, a no, or an aside."""
        return Found()


class ActionAskEraseConfirm(ServiceAction):
    """Tells what can be erased and what must be kept."""

    action_name = "action_ask_erase_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("confirm_erase")
        return []


class ActionAskEraseSure(ServiceAction):
    """Asks once more, with the due time."""

    action_name = "action_ask_erase_sure"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("erase_sure", due=texts.moment(erasure_due(turn.now), turn.now))
        return []


class ActionSubmitErase(Submit):
    """Notes the wish; nothing is erased by it."""

    form_class = EraseForm

    def submit(self, turn: Turn) -> str | None:
        """Note it if confirmed twice; tell number and due time."""
        if turn.slot("erase_sure") is not True:
            turn.say("not_submitted")
            return None
        seen, new = data_requests.request_erasure(
            turn.store, identity_id=turn.identity.id, now=turn.now
        )
        turn.say(
            "erase_requested" if new else "erase_already",
            reference=seen.reference,
            due=_due(seen, turn),
        )
        return None


def _due(seen: DataRequestView, turn: Turn) -> str:
    return texts.moment(seen.due_at, turn.now) if seen.due_at else ""


class ActionCheckDataRequest(ServiceAction):
    """Tells how the account's requests about its data stand."""

    action_name = "action_check_data_request"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the one that is named, else all."""
        requests = data_requests.own_requests(turn.store, identity_id=turn.identity.id)
        said = REFERENCE.search(turn.text)
        if said:
            requests = tuple(r for r in requests if r.reference == f"D{said.group(1)}")
        if not requests:
            turn.say("no_data_requests")
            return resume(turn)
        lines = [
            texts.line(
                "data_request_due" if r.status in ("received", "checking") else "data_request",
                reference=r.reference,
                kind=texts.word("data_kind", r.kind),
                day=texts.day(r.requested_at.date(), turn.now.date()),
                status=texts.word("data_status", r.status),
                due=_due(r, turn),
                answer=texts.line("data_answer", answer=r.answer) if r.answer else "",
            )
            for r in requests
        ]
        turn.say("data_requests", lines="\n".join(lines))
        return resume(turn)
