"""Finding a hospital (手册·电子保险卡 E2, M8)."""

from __future__ import annotations

from actions import texts
from actions.booking_answers import unlisted_hospital
from actions.turn import Event, ServiceAction, Turn, resume
from bot.services import hospitals as directory
from bot.services.hospitals import HospitalView

MOST_HOSPITALS = 6


class ActionFindHospital(ServiceAction):
    """Finds hospitals by name, department, city or kind (E2, M8)."""

    action_name = "action_find_hospital"

    def handle(self, turn: Turn) -> list[Event]:
        """List what fits; the one named with all its details."""
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(turn.text, known)
        meant = next((h for h in known if place and h.name == place.value), None)
        if place and meant and turn.text[place.start : place.end] != meant.brand:
            say_hospitals(turn, [meant])
            return resume(turn)
        kinds = [k for k in ("network_clinic", "public_special") if _says_kind(turn.text, k)]
        found = directory.search(turn.text, known, kinds)
        unlisted = None if meant else unlisted_hospital(turn)
        if unlisted is not None and unlisted.name is not None:
            turn.say("hospital_unlisted", hospital=unlisted.name)
        elif not found.places:
            turn.say("no_hospital")
        elif found.missing is not None:
            lines = _hospital_lines(found.places[:MOST_HOSPITALS])
            turn.say("hospitals_elsewhere", place=found.missing, lines=lines)
        else:
            say_hospitals(turn, found.places[:MOST_HOSPITALS])
        return resume(turn)


def _says_kind(text: str, kind: str) -> bool:
    return any(word in text for word in texts.line(f"says_{kind}").split("|"))


def say_hospitals(turn: Turn, places: list[HospitalView]) -> None:
    """Tell one hospital in full, several in a line each."""
    if len(places) == 1:
        h = places[0]
        bookable = h.kind == "public_special"
        payload = f'/book_appointment{{"book_hospital": "{h.name}"}}'
        title = texts.word("intent", "book_appointment")
        turn.say(
            "hospital",
            buttons=[{"title": title, "payload": payload}] if bookable else [],
            hospital=h.name,
            kind=texts.word("hospital", h.kind),
            introduction=h.introduction,
            hours=h.hours,
            address=h.address,
            phone=h.phone,
            departments=texts.line("and").join(h.departments),
        )
        return
    turn.say("hospitals", lines=_hospital_lines(places))


def _hospital_lines(places: list[HospitalView]) -> str:
    return "\n".join(
        texts.line("hospital", name=h.name, kind=texts.word("hospital", h.kind), phone=h.phone)
        for h in places
    )
