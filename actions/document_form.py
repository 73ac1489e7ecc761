"""The form that asks what files are, and which claim they are for (手册·理赔流程 C6, P3)."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.document_answers import (
    DELETE,
    Labels,
    is_question,
    plain,
    read_labels,
    read_places,
    wants_deleted,
)
from actions.document_texts import NOWHERE, existing, place_buttons, place_in, place_name, say_filed
from actions.forms import Form, Found, Submit, end_early
from actions.turn import Event, ServiceAction, Turn
from bot.rules.documents import ID_UNCLEAR
from bot.services import documents as service
from bot.services.document_access import DocumentView
from bot.services.document_places import open_places
from bot.services.errors import Refused
from bot.store.files import get_files
from bot.store.models import PAPER_KINDS

DONE, REMOVED, LATER, OTHER = "done", "remove", "later", "other"
AGAIN, KEEP = "again", "keep"
# The claim that was taken for granted is not the one meant.
ASK = "ask"
WITHOUT_CLAIM = ("medical_record", "invoice", "itemised_bill", "id_document", "guardian_id")
MOST_BUTTONS = 8


def doubtful(turn: Turn, files: list[DocumentView]) -> list[DocumentView]:
    """Return the photos that the parent should look at again."""
    fine = turn.slot("file_fine") or []
    return [file for file in files if file.question and not file.kinds and file.id not in fine]


def attach(
    turn: Turn, files: list[DocumentView], place: str
) -> tuple[list[DocumentView], str | None]:
    """File what is not filed yet; return what is left to name, and why it could not be."""
    if place == NOWHERE:
        ids = [file.id for file in files]
        service.detach(turn.store, identity_id=turn.identity.id, ids=ids, now=turn.now)
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
        unclear = doubtful(turn, existing(turn, values["file_ids"]))
        return self.slots if unclear else self.slots[1:]

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
        if asked == "file_kind" and elsewhere_meant(turn):
            found.add("file_place", ASK, whole)
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
            _remove(turn, [file.id for file in doubtful(turn, files)])
            turn.say("files_replaced" if turn.slot("file_retaken") else "files_take_again")
            return AGAIN
        if slot != "file_kind":
            return None if value == ASK else value
        if value == REMOVED:
            return self._throw_away(turn, files)
        if value in (LATER, OTHER):
            return value
        return self._name(turn, files, value, values["file_place"])

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """A photo that is kept as it is is not asked about again."""
        if slot != "file_retake" or values[slot] != KEEP:
            return {}
        unclear = doubtful(turn, existing(turn, values["file_ids"]))
        return {"file_fine": [*(turn.slot("file_fine") or []), *(file.id for file in unclear)]}

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
        settled = values["file_retake"] or not doubtful(turn, files)
        place = values["file_place"]
        if files and settled and place is not None:
            files, refused = attach(turn, files, place)
            if refused:
                return [SlotSet("file_kind", LATER), SlotSet("file_place", None), *end_early()]
        if not files:
            return [SlotSet("file_kind", DONE), *end_early()]
        return None


def elsewhere_meant(turn: Turn) -> bool:
    """Tell whether the files are not for the claim that was taken for granted."""
    if turn.slot("file_place") in (None, NOWHERE):
        return False
    said = any(word in turn.text for word in texts.line("says_other_claim").split("|"))
    return said or turn.entity("file_place") == ASK


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
        asked = doubtful(turn, files)
        told = [(n, f) for n, f in enumerate(files, start=1) if f in asked]
        if turn.slot("file_retaken"):
            turn.say("ask_file_retaken")
        elif len(files) == 1:
            turn.say(f"ask_file_retake_{told[0][1].question}")
        else:
            numbers = texts.line("and").join(texts.line("nth_file", number=n) for n, _ in told)
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
        buttons = [texts.inform_button(title, document_kind=kind) for kind, title in titles.items()]
        place = turn.slot("file_place")
        if place != NOWHERE:
            title = texts.line("button_other_place")
            buttons.append(texts.inform_button(title, file_place=ASK))
        told: dict[str, Any] = {"count": len(left), "place": place_name(turn, place)}
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
