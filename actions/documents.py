"""Files that parents send: what they are, which claim they belong to (手册·理赔流程 C6, P3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.document_answers import (
    DELETE,
    Labels,
    changes_files,
    is_question,
    plain,
    read_labels,
    read_places,
    wants_deleted,
)
from actions.document_texts import (
    all_of,
    existing,
    last_files,
    named,
    place_buttons,
    place_in,
    place_name,
    say_filed,
)
from actions.forms import Form, Found, Submit, end_early
from actions.turn import REDIRECTS, Event, ServiceAction, Turn, close_form, open_form, resume
from bot.rules.documents import ID_UNCLEAR
from bot.services import documents as service
from bot.services.document_places import Papers, open_places
from bot.services.documents import DocumentView
from bot.services.errors import NotFound, Refused
from bot.store.files import get_files
from bot.store.models import PAPER_KINDS

NOWHERE = "none"
DONE, REMOVED, LATER, OTHER = "done", "remove", "later", "other"
AGAIN, KEEP = "again", "keep"
# Whose forms go on at once; the files wait until these are filled.
FIRST_FILLED = frozenset({"bind_form", "policy_form", "claim_form"})
WITHOUT_CLAIM = ("medical_record", "invoice", "itemised_bill", "id_document", "guardian_id")
MOST_BUTTONS = 8
REASONS = "、"


def changes(turn: Turn) -> str | None:
    """Return the action for a message about the files sent last."""
    return "action_change_files" if changes_files(turn) else None


REDIRECTS.append(changes)


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
        doubtful = _doubtful(turn, files)
        asked = turn.form == FileForm.form and turn.slot("requested_slot") == "file_retake"
        retaken = asked and files[-1] not in doubtful
        events: list[Event] = [SlotSet("pending_task", None)]
        if place is not None and not doubtful:
            files, refused = _attach(turn, files, place)
            if refused or not files:
                return [*events, *_leave(turn, LATER if refused else DONE)]
        events += [
            SlotSet("file_ids", [file.id for file in files]),
            SlotSet("file_place", place),
            SlotSet("file_retake", None),
            SlotSet("file_retaken", retaken),
            SlotSet("file_kind", None),
        ]
        if all(file.kinds for file in files) and place is not None and not doubtful:
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


def _doubtful(turn: Turn, files: list[DocumentView]) -> list[DocumentView]:
    """Return the photos that the parent should look at again."""
    fine = turn.slot("file_fine") or []
    return [file for file in files if file.question and not file.kinds and file.id not in fine]


def _ids(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    return [int(part) for part in parts if part.isascii() and part.isdigit()][:100]


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


def _attach(
    turn: Turn, files: list[DocumentView], place: str
) -> tuple[list[DocumentView], str | None]:
    """File what is not filed yet; return what is left to name, and why it could not be."""
    if place == NOWHERE:
        return files, None
    try:
        done = service.attach(
            turn.store,
            get_files(),
            identity_id=turn.identity.id,
            ids=[file.id for file in files],
            reference=place,
            now=turn.now,
        )
    except Refused as refused:
        turn.say("files_not_filed", reference=place, reason=texts.word("refused", refused.reason))
        return files, refused.reason
    if done.duplicates:
        turn.say("files_twice", count=len(done.duplicates), reference=place)
    return [file for file in files if file.id not in done.duplicates], None


class FileForm(Form):
    """Whether a doubtful photo is taken again, which claim the files are for, what they are."""

    form = "file_form"
    slots = ("file_retake", "file_place", "file_kind")
    scratch = ("file_ids", "file_fine", "file_retaken")

    def handle(self, turn: Turn) -> list[Event]:
        """As every form; the question of the files' claim is asked while it is open only."""
        if turn.fresh and turn.intent == "stop" and turn.slot("requested_slot") in self.slots:
            return [SlotSet("file_kind", LATER), SlotSet("requested_slot", None)]
        return super().handle(turn)

    def required(self, turn: Turn, values: dict[str, Any]) -> tuple[str, ...]:
        """Ask of a photo only if it is doubtful."""
        if values.get("file_kind") is not None:
            return ("file_kind",)
        doubtful = _doubtful(turn, existing(turn, values["file_ids"]))
        return self.slots if doubtful else self.slots[1:]

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Take a named paper for an answer whatever the intent looks like."""
        return asked in self.slots and self._labels(turn) is not None

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for what is to be done with a photo, a claim, and what the files are."""
        found = Found()
        whole = (0, len(turn.text))
        if asked == "file_retake":
            found.add("file_retake", _retake(turn), whole)
        places = open_places(turn.store, identity_id=turn.identity.id)
        found.add("file_place", place_in(turn, places, asked=asked == "file_place"), whole)
        kind = turn.entity("document_kind")
        labels = self._labels(turn)
        if kind in (*PAPER_KINDS, REMOVED, OTHER, LATER):
            found.add("file_kind", str(kind))
        elif labels is not None:
            found.add("file_kind", labels, whole)
        elif asked == "file_kind" and wants_deleted(turn.text):
            found.add("file_kind", REMOVED, whole)
        elif asked == "file_kind" and turn.intent == "affirm":
            found.add("file_kind", suggestion(turn), whole)
        elif asked == "file_kind" and texts.line("files_other") in turn.text:
            found.add("file_kind", OTHER, whole)
        return found

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        answered = asked in found.values or "file_kind" in found.values
        return not answered and super()._aside(turn, asked, found)

    def _labels(self, turn: Turn) -> Labels | None:
        if not turn.text or is_question(plain(turn.text)):
            return None
        files = existing(turn, turn.slot("file_ids"))
        left = [place for place, file in enumerate(files) if not file.kinds]
        return read_labels(turn.text, left or range(len(files)), len(files))

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Do what was said; return ``None`` while something is left to ask."""
        files = existing(turn, values["file_ids"])
        if slot == "file_retake" and value == AGAIN:
            _remove(turn, [file.id for file in _doubtful(turn, files)])
            turn.say("files_replaced" if turn.slot("file_retaken") else "files_take_again")
            return AGAIN
        if slot != "file_kind":
            return value
        if value == REMOVED:
            return self._throw_away(turn, files)
        if value in (LATER, OTHER):
            return value
        return self._name(turn, files, value, values["file_place"])

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """A photo that is kept as it is is not asked about again."""
        if slot != "file_retake" or values[slot] != KEEP:
            return {}
        doubtful = _doubtful(turn, existing(turn, values["file_ids"]))
        return {"file_fine": [*(turn.slot("file_fine") or []), *(file.id for file in doubtful)]}

    @staticmethod
    def _throw_away(turn: Turn, files: list[DocumentView]) -> str | None:
        """Delete what was sent by mistake; of several, the one that is named."""
        left = [file for file in files if not file.kinds]
        if turn.text and len(left) > 1:
            left = [files[place] for place in read_places(turn.text, len(files))]
        if not left:
            turn.say("files_which", count=len(files))
            return None
        _remove(turn, [file.id for file in left])
        turn.say("files_removed_unnamed", count=len(left))
        rest = [file for file in existing(turn, [f.id for f in files]) if not file.kinds]
        return None if rest else DONE

    def _name(
        self, turn: Turn, files: list[DocumentView], value: Labels | str, place: str | None
    ) -> str | None:
        if isinstance(value, str):
            labels = Labels({n: (value,) for n, file in enumerate(files) if not file.kinds})
        else:
            labels = value
        if labels.unclear is not None:
            turn.say(f"files_{labels.unclear}", count=len(files))
            return None
        for position, kinds in labels.kinds.items():
            told = resolved(turn, kinds, place)
            if told is None:
                turn.say("files_whose")
                return None
            ids = [files[position].id]
            service.label(
                turn.store, identity_id=turn.identity.id, ids=ids, kinds=told, now=turn.now
            )
        left = [file for file in existing(turn, [f.id for f in files]) if not file.kinds]
        return DONE if not left else None

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """File the files once it is known where; leave if none is left."""
        files = existing(turn, values["file_ids"])
        settled = values["file_retake"] or not _doubtful(turn, files)
        place = values["file_place"]
        if files and settled and place is not None:
            files, refused = _attach(turn, files, place)
            if refused:
                return [SlotSet("file_kind", LATER), SlotSet("file_place", None), *end_early()]
        if not files:
            return [SlotSet("file_kind", DONE), *end_early()]
        return None


def _retake(turn: Turn) -> str | None:
    pressed = turn.entity("file_retake")
    if pressed in (AGAIN, KEEP):
        return str(pressed)
    said = turn.text
    if any(word in said for word in texts.line("says_keep_photo").split("|")):
        return KEEP
    if any(word in said for word in texts.line("says_take_again").split("|")):
        return AGAIN
    if DELETE.search(said):
        return AGAIN
    return {"affirm": AGAIN, "deny": KEEP}.get(turn.intent)


def suggestion(turn: Turn) -> str | None:
    """Return the kind that the files left to name probably are: their name, or all that lacks."""
    left = [f for f in existing(turn, turn.slot("file_ids")) if not f.kinds]
    names = {file.suggested for file in left}
    if len(names) == 1 and None not in names:
        return names.pop()
    missing = _missing(turn)
    return missing[0] if len(missing) == 1 and len(left) == 1 else None


def _missing(turn: Turn) -> tuple[str, ...]:
    place = turn.slot("file_place")
    if place in (None, NOWHERE):
        return WITHOUT_CLAIM
    return service.papers(turn.store, identity_id=turn.identity.id, reference=str(place)).missing


def resolved(turn: Turn, kinds: tuple[str, ...], place: str | None) -> tuple[str, ...] | None:
    """Say whose identity card is meant if only one is missing; ``None`` if it must be asked."""
    if ID_UNCLEAR not in kinds:
        return kinds
    asked = {"id_document", "guardian_id"}
    if place not in (None, NOWHERE):
        papers = service.papers(turn.store, identity_id=turn.identity.id, reference=str(place))
        asked &= set(papers.missing)
    if len(asked) != 1:
        return None
    (card,) = asked
    return tuple(dict.fromkeys(card if kind == ID_UNCLEAR else kind for kind in kinds))


def _remove(turn: Turn, ids: list[int]) -> None:
    service.remove(turn.store, get_files(), identity_id=turn.identity.id, ids=ids, now=turn.now)


class ActionAskFileRetake(ServiceAction):
    """Asks whether a blurred or tiny photo is taken again."""

    action_name = "action_ask_file_retake"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Say which, and why."""
        files = existing(turn, turn.slot("file_ids"))
        asked = _doubtful(turn, files)
        doubtful = [(n, f) for n, f in enumerate(files, start=1) if f in asked]
        if turn.slot("file_retaken"):
            turn.say("ask_file_retaken")
        elif len(files) == 1:
            turn.say(f"ask_file_retake_{doubtful[0][1].question}")
        else:
            numbers = texts.line("and").join(texts.line("nth_file", number=n) for n, _ in doubtful)
            turn.say("ask_file_retake_several", files=numbers)
        return []


class ActionAskFilePlace(ServiceAction):
    """Asks which claim or authorization the files are for."""

    action_name = "action_ask_file_place"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer those that take papers."""
        places = open_places(turn.store, identity_id=turn.identity.id)
        count = len(existing(turn, turn.slot("file_ids")))
        turn.say("ask_file_place", buttons=place_buttons(turn, places), count=count)
        return []


class ActionAskFileKind(ServiceAction):
    """Asks what the files are, once for all that were sent together."""

    action_name = "action_ask_file_kind"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer what is still missing first."""
        files = existing(turn, turn.slot("file_ids"))
        left = [n for n, file in enumerate(files, start=1) if not file.kinds]
        likely = suggestion(turn)
        kinds = [k for k in (likely, *_missing(turn)) if k is not None]
        offered = list(dict.fromkeys(kinds))[:MOST_BUTTONS] or list(WITHOUT_CLAIM)
        titles = {kind: texts.word("document", kind) for kind in offered}
        titles |= {OTHER: texts.line("button_other"), REMOVED: texts.line("button_remove")}
        buttons = [
            {"title": title, "payload": f'/inform{{"document_kind": "{kind}"}}'}
            for kind, title in titles.items()
        ]
        place = turn.slot("file_place")
        told = {"count": len(left), "place": place_name(turn, place)}
        if len(left) < len(files):
            numbers = texts.line("and").join(texts.line("nth_file", number=n) for n in left)
            turn.say("ask_file_kind_left", buttons=buttons, files=numbers)
        elif likely is not None:
            kind = texts.word("document", likely)
            turn.say("ask_file_kind_likely", buttons=buttons, kind=kind, **told)
        else:
            turn.say("ask_file_kind", buttons=buttons, **told)
        return []


class ActionSubmitFile(Submit):
    """Tells what was kept and what is still missing."""

    form_class = FileForm

    def complete(self, turn: Turn) -> bool:
        """The last question was answered, or the form left in another way."""
        return turn.slot("file_kind") is not None

    def submit(self, turn: Turn) -> str | None:
        """Show the ticks."""
        files = existing(turn, turn.slot("file_ids"))
        if turn.slot("file_kind") in (LATER, OTHER):
            turn.say(f"files_{turn.slot('file_kind')}")
        elif files:
            say_filed(turn, [file.id for file in files], turn.slot("file_place"))
        return None

    def handle(self, turn: Turn) -> list[Event]:
        """Remember these files and their claim: what is said next may be about them."""
        files = existing(turn, turn.slot("file_ids"))
        events = super().handle(turn)
        place = turn.slot("file_place")
        return [
            *events,
            SlotSet("file_place", None if place == NOWHERE else place),
            SlotSet("file_last", [file.id for file in files]),
        ]


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
