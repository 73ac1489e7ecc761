"""How files, and the claims that they are for, are told and named in the chat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actions import texts
from actions.document_answers import plain, read_places
from actions.turn import Turn
from bot.rules.documents import papers_named
from bot.services import documents as service
from bot.services.document_access import DocumentView
from bot.services.document_places import Papers, open_places
from bot.services.errors import NotFound

NOWHERE = "none"
MOST_PLACES = 6


def existing(turn: Turn, ids: Iterable[int] | None) -> list[DocumentView]:
    """Return the files of these ids that there are and that this account may see."""
    found = []
    for one in ids or ():
        try:
            found += service.view(turn.store, identity_id=turn.identity.id, ids=[int(one)])
        except NotFound:
            continue
    return found


def last_files(turn: Turn) -> list[DocumentView]:
    """Return the files that were sent last, in their order."""
    return existing(turn, turn.slot("file_last"))


def named(turn: Turn) -> list[int]:
    """Return the ids of the files sent last that a message names by place or by kind.

    Empty if it names none.
    """
    files = last_files(turn)
    kinds = {paper.kind for paper in papers_named(plain(turn.text))}
    of_kind = [file.id for file in files if kinds & set(file.kinds)]
    if of_kind:
        return of_kind
    return [files[place].id for place in read_places(turn.text, len(files))]


def all_of(file: DocumentView) -> str:
    """Write what a file is."""
    words = [texts.word("document", kind) for kind in file.kinds]
    return texts.line("and").join(words) or texts.line("file_unnamed")


def place_name(turn: Turn, reference: str | None) -> str:
    """Write the claim or authorization that files are for, in brackets; nothing if there is none.

    The child and the hospital tell more than the number.
    """
    if reference in (None, NOWHERE):
        return ""
    papers = service.papers(turn.store, identity_id=turn.identity.id, reference=str(reference))
    return texts.line("file_place", place=_title(papers))


def _title(papers: Papers) -> str:
    what = papers.what or texts.word("kind", papers.kind)
    return texts.line(
        "file_place_title",
        reference=papers.reference,
        child=papers.child,
        what=what,
        place=papers.place or "",
    ).strip()


def place_buttons(turn: Turn, places: list[Papers]) -> list[dict[str, str]]:
    """Return a button for each claim or authorization that takes papers, and one for none."""
    titles = {place.reference: _title(place) for place in places[:MOST_PLACES]}
    titles[NOWHERE] = texts.line("button_nowhere")
    return [texts.inform_button(title, file_place=reference) for reference, title in titles.items()]


def place_in(turn: Turn, places: list[Papers], *, asked: bool) -> str | None:
    """Return the claim or authorization that a message names: number, place in the list, words."""
    numbers = [place.reference for place in places]
    pressed = turn.entity("file_place") or turn.entity("reference")
    if pressed is not None and str(pressed).upper() in numbers:
        return str(pressed).upper()
    if turn.entity("file_place") == NOWHERE:
        return NOWHERE
    if not asked or not turn.text:
        return None
    position = texts.ordinal(turn.text)
    if position is not None and position <= len(places[:MOST_PLACES]):
        return numbers[position - 1]
    if any(word in turn.text for word in texts.line("says_no_claim").split("|")):
        return NOWHERE
    fitting = [place for place in places if _fits(turn, place)]
    return fitting[0].reference if len(fitting) == 1 else None


def _fits(turn: Turn, place: Papers) -> bool:
    """Tell whether a message names a claim by its hospital, treatment or child."""
    text = turn.text.strip(" 。.!！的吧")
    if place.place and (place.place in text or (len(text) > 1 and text in place.place)):
        return True
    if place.what and (place.what in text or (len(text) > 1 and text in place.what)):
        return True
    child = turn.child_named()
    return child is not None and child.number == place.policy


def say_filed(turn: Turn, ids: Iterable[int], reference: str | None) -> None:
    """Tell what was kept, and the whole list of papers with its ticks."""
    files = existing(turn, ids)
    kinds = texts.line("and").join(dict.fromkeys(all_of(file) for file in files))
    if reference in (None, NOWHERE):
        has_place = bool(open_places(turn.store, identity_id=turn.identity.id))
        turn.say("files_kept_later" if has_place else "files_kept", kinds=kinds)
        return
    papers = service.papers(turn.store, identity_id=turn.identity.id, reference=str(reference))
    lines = "\n".join(
        texts.line("tick" if here else "no_tick", document=texts.word("document", kind))
        for kind, here in papers.lines
    )
    told: dict[str, Any] = {"place": _title(papers), "lines": lines, "count": len(papers.missing)}
    got = texts.line("files_got", kinds=kinds) if kinds else ""
    if papers.kind == "authorization":
        turn.say("files_filed_authorization", (), got=got, **told)
    elif papers.missing:
        turn.say("files_filed", (), got=got, **told)
    else:
        turn.say("files_complete", (), got=got, **told)


def files_waiting(turn: Turn) -> str | None:
    """Return the action that files what was sent before there was a claim, if anything was."""
    waiting = service.unfiled(turn.store, identity_id=turn.identity.id)
    return "action_receive_documents" if waiting else None
