"""Files that parents send, as they arrive (手册·理赔流程 C6, P3)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rasa_sdk.events import SlotSet

from actions import texts
from actions.document_form import DONE, LATER, FileForm, attach, doubtful
from actions.document_texts import NOWHERE, existing, say_filed
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.services import documents as service
from bot.services.document_access import DocumentView
from bot.services.document_places import Papers, open_places

# Whose forms go on at once; the files wait until these are filled.
FIRST_FILLED = frozenset({"bind_form", "policy_form", "claim_form"})
REASONS = "、"
MOST_IDS = 100
NUMBER = re.compile(r"[0-9]{1,9}")


class ActionReceiveDocuments(ServiceAction):
    """Takes the files that a channel has kept, and asks what they are."""

    action_name = "action_receive_documents"

    def handle(self, turn: Turn) -> list[Event]:
        """Say what was refused; keep, file or ask about the rest."""
        refused = self._say_refused(turn)
        sent = turn.entity("document")
        new = _own(turn, _ids(str(sent))) if sent else _unfiled(turn)
        if not new:
            if sent or not refused:
                turn.say("files_not_found" if sent else "files_none")
            return [SlotSet("pending_task", None), *resume(turn)]
        before = existing(turn, turn.slot("file_ids")) if turn.form == FileForm.form else []
        known = [file.id for file in before]
        seen = [file for file in new if (file.kinds and file.reference) or file.id in known]
        if sent and seen:
            turn.say("files_already", count=len(seen))
        new = [file for file in new if file not in seen]
        if not new:
            return resume(turn)
        if not turn.choices or turn.form in FIRST_FILLED:
            return self._wait(turn, len(new))
        return self._ask(turn, [*before, *new])

    def _wait(self, turn: Turn, count: int) -> list[Event]:
        if turn.form in FIRST_FILLED:
            turn.say("files_wait", count=count)
            pending = turn.slot("pending_task") or (
                self.action_name if turn.form == "bind_form" else None
            )
            return [SlotSet("pending_task", pending), *resume(turn)]
        turn.say("files_wait_unbound", count=count)
        return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]

    def _ask(self, turn: Turn, files: list[DocumentView]) -> list[Event]:
        places = open_places(turn.store, identity_id=turn.identity.id)
        place = _known_place(turn, places)
        unclear = doubtful(turn, files)
        asked = turn.form == FileForm.form and turn.slot("requested_slot") == "file_retake"
        retaken = asked and files[-1] not in unclear
        events: list[Event] = [SlotSet("pending_task", None)]
        if place is not None and not unclear:
            files, refused = attach(turn, files, place)
            if refused or not files:
                return [*events, *_leave(turn, LATER if refused else DONE)]
        events += [
            SlotSet("file_ids", [file.id for file in files]),
            SlotSet("file_place", place),
            SlotSet("file_retake", None),
            SlotSet("file_retaken", retaken),
            SlotSet("file_kind", None),
        ]
        if all(file.kinds for file in files) and place is not None and not unclear:
            # Named before there was a claim: nothing is left to ask.
            say_filed(turn, [file.id for file in files], place)
            return [*events, SlotSet("file_last", [f.id for f in files]), *resume(turn)]
        if turn.form == FileForm.form:
            return [*events, *resume(turn)]
        return [*events, *open_form(turn, FileForm.form)]

    @staticmethod
    def _say_refused(turn: Turn) -> bool:
        """Say why files were not kept; the reasons come from outside and are only known words."""
        said = str(turn.entity("document_refused") or "").split(",")
        reasons = [r for r in dict.fromkeys(said) if r and texts.has_line(f"refused_{r}")]
        if not turn.entity("document_refused"):
            return False
        told = REASONS.join(texts.word("refused", r) for r in reasons or ["file_damaged"])
        turn.say("files_refused", reason=told)
        return True


def _leave(turn: Turn, how: str) -> list[Event]:
    """Leave the form of the files if it is open; go on with another that is."""
    ended = [SlotSet("file_kind", how)] if turn.form == FileForm.form else []
    return [*ended, *resume(turn)]


def _ids(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")][:MOST_IDS]
    return [int(part) for part in parts if NUMBER.fullmatch(part)]


def _own(turn: Turn, ids: Iterable[int]) -> list[DocumentView]:
    # Somebody else's file is the same as none.
    return [file for file in existing(turn, ids) if file.status == "current"]


def _unfiled(turn: Turn) -> list[DocumentView]:
    return service.unfiled(turn.store, identity_id=turn.identity.id)


def _known_place(turn: Turn, places: list[Papers]) -> str | None:
    """Return where the files go if that needs no question; ``NOWHERE`` if nothing is open."""
    if not places:
        return NOWHERE
    if turn.slot("file_place") in [place.reference for place in places]:
        return str(turn.slot("file_place"))
    waiting = [place for place in places if place.waiting] or places
    return waiting[0].reference if len(waiting) == 1 else None
