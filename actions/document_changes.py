"""Naming a file sent before anew, and deleting one (手册·理赔流程 C6)."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import texts
from actions.document_answers import DELETE, changes_files, read_labels, wants_deleted
from actions.document_form import resolved
from actions.document_texts import all_of, existing, last_files, named, say_filed
from actions.forms import Form, Found, Submit
from actions.turn import REDIRECTS, Event, ServiceAction, Turn, close_form, open_form, resume
from bot.services import documents as service
from bot.services.document_access import DocumentView
from bot.services.errors import NotFound, Refused
from bot.store.files import get_files


def changes(turn: Turn) -> str | None:
    """Return the action for a message about the files sent last."""
    return "action_change_files" if changes_files(turn) else None


REDIRECTS.append(changes)


class FileRemoveForm(Form):
    """Which files sent before are deleted, and whether really."""

    form = "file_remove_form"
    slots = ("file_remove", "file_remove_confirm")
    confirm = "file_remove_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the files meant."""
        found = Found()
        ids = named(turn)
        if ids:
            found.add("file_remove", ids, (0, len(turn.text)))
        return found

    def _confirmation(self, turn: Turn, asked: str | None, found: Found) -> bool | None:
        # "删吧" is a yes, and "别删" a no, whatever their intent.
        news = found.values.get("file_remove") not in (None, turn.slot("file_remove"))
        if asked == self.confirm and DELETE.search(turn.text) and not news:
            return wants_deleted(turn.text)
        return super()._confirmation(turn, asked, found)


class ActionAskFileRemove(ServiceAction):
    """Asks which file is meant."""

    action_name = "action_ask_file_remove"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """List the files sent last."""
        lines = "\n".join(
            texts.line("file", number=n, kinds=all_of(file))
            for n, file in enumerate(last_files(turn), start=1)
        )
        turn.say("ask_file_remove", lines=lines)
        return []


class ActionAskFileRemoveConfirm(ServiceAction):
    """Sums up what is deleted."""

    action_name = "action_ask_file_remove_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the files, and ask."""
        files = existing(turn, turn.slot("file_remove"))
        kinds = texts.line("and").join(dict.fromkeys(all_of(file) for file in files))
        turn.say("confirm_file_remove", count=len(files), kinds=kinds)
        return []


class ActionSubmitFileRemove(Submit):
    """Deletes."""

    form_class = FileRemoveForm

    def handle(self, turn: Turn) -> list[Event]:
        """Delete if that was confirmed."""
        if turn.slot("file_remove_confirm") is False:
            turn.say("file_remove_kept")
            return close_form(turn, FileRemoveForm.slots)
        return super().handle(turn)

    def submit(self, turn: Turn) -> str | None:
        """Delete; tell what is missing now."""
        ids = [file.id for file in existing(turn, turn.slot("file_remove"))]
        try:
            gone = service.remove(
                turn.store, get_files(), identity_id=turn.identity.id, ids=ids, now=turn.now
            )
        except Refused as refused:
            turn.say("file_not_changed", reason=texts.word("refused", refused.reason))
            return None
        reference = next((file.reference for file in gone if file.reference), None)
        turn.say("file_removed", count=len(gone))
        if reference is not None:
            say_filed(turn, [], reference)
        return None


class ActionChangeFiles(ServiceAction):
    """Names a file sent before anew, or begins to delete it."""

    action_name = "action_change_files"

    def handle(self, turn: Turn) -> list[Event]:
        """Read which and what; the files sent last are meant."""
        files = last_files(turn)
        if not files:
            turn.say("files_none")
            return [SlotSet("file_last", None), *resume(turn)]
        if DELETE.search(turn.text):
            if not wants_deleted(turn.text):
                turn.say("file_remove_kept")
                return resume(turn)
            ids = named(turn) or [file.id for file in files if len(files) == 1]
            return [SlotSet("file_remove", ids or None), *_confirm_first(turn)]
        return self._rename(turn, files)

    def _rename(self, turn: Turn, files: list[DocumentView]) -> list[Event]:
        places = range(len(files)) if len(files) == 1 else [len(files) - 1]
        labels = read_labels(turn.text, places, len(files))
        if labels is None or labels.unclear is not None:
            turn.say("files_which", count=len(files))
            return resume(turn)
        changed = []
        for position, kinds in labels.kinds.items():
            file = files[position]
            told = resolved(turn, kinds, None)
            if told is None:
                turn.say("files_whose")
                return resume(turn)
            try:
                service.label(
                    turn.store, identity_id=turn.identity.id, ids=[file.id], kinds=told,
                    now=turn.now,
                )  # fmt: skip
            except (NotFound, Refused) as refused:
                reason = getattr(refused, "reason", "claim_closed")
                turn.say("file_not_changed", reason=texts.word("refused", reason))
                return resume(turn)
            changed.append(file.id)
        say_filed(turn, changed, files[-1].reference)
        return resume(turn)


def _confirm_first(turn: Turn) -> list[Event]:
    return [SlotSet("file_remove_confirm", None), *open_form(turn, FileRemoveForm.form)]
