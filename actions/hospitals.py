"""Finding a hospital, and whether it bills the insurer for this family (E2, E3, M8, X4)."""

from __future__ import annotations

import re

from actions import texts
from actions.booking_answers import unlisted_hospital
from actions.policies import say_manual
from actions.turn import Event, ServiceAction, Turn, resume
from bot.services import direct_billing
from bot.services import hospitals as directory
from bot.services.hospitals import HospitalView
from bot.services.policies import PolicyView

MOST_HOSPITALS = 6
# "我的计划能用的医院", "离我计划最近的": those that bill for the own policies.
_CARD = r"(?:计划|卡|保单|保险|套餐)"
OWN = re.compile(
    rf"{_CARD}[^,，。]{{0,6}}(?:能用|可用|能去|可以用|可以去|管用|支持|直付|认|最近|就近|附近)|"
    rf"(?:离|按|符合|适合|对应)[^,，。]{{0,4}}{_CARD}|能(?:直付|刷卡|用卡|用我)[^,，。]{{0,3}}(?:医院|诊所|地方)"
)


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
        own = _own_policies(turn)
        if own and OWN.search(turn.text):
            known = direct_billing.usable(known, own)
            if not known:
                turn.say("no_hospital_in_plan")
                return resume(turn)
        found = directory.search(turn.text, known, kinds)
        unlisted = None if meant else unlisted_hospital(turn)
        if unlisted is not None and unlisted.name is not None:
            turn.say("hospital_unlisted", hospital=unlisted.name)
        elif not found.places:
            turn.say("no_hospital")
        elif found.missing is not None:
            lines = _hospital_lines(found.places[:MOST_HOSPITALS], own)
            turn.say("hospitals_elsewhere", place=found.missing, lines=lines)
        else:
            say_hospitals(turn, found.places[:MOST_HOSPITALS])
        return resume(turn)


class ActionOwnHospitals(ServiceAction):
    """Lists the hospitals that bill for the own policies (E2, X4)."""

    action_name = "action_own_hospitals"

    def handle(self, turn: Turn) -> list[Event]:
        """List them; whoever is not bound gets the manual's answer."""
        own = _own_policies(turn)
        if not own:
            say_manual(turn, "utter_faq/direct_billing_places")
            return resume(turn)
        places = direct_billing.usable(directory.hospitals(turn.store), own)
        if places:
            say_hospitals(turn, directory.search(turn.text, places).places[:MOST_HOSPITALS])
        else:
            turn.say("no_hospital_in_plan")
        return resume(turn)


def _says_kind(text: str, kind: str) -> bool:
    return any(word in text for word in texts.line(f"says_{kind}").split("|"))


def _own_policies(turn: Turn) -> list[PolicyView]:
    """Return the policies that the question is about: the child's named or talked of, or all."""
    if not turn.choices:
        return []
    child = turn.child_named()
    return direct_billing.policies_of(
        turn.store,
        identity_id=turn.identity.id,
        now=turn.now,
        number=child.number if child else turn.slot("policy"),
    )


def say_hospitals(turn: Turn, places: list[HospitalView]) -> None:
    """Tell one hospital in full, several in a line each."""
    own = _own_policies(turn)
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
            billing=_billing(h, own),
        )
        return
    turn.say("hospitals", lines=_hospital_lines(places, own))


def _billing(place: HospitalView, own: list[PolicyView]) -> str:
    """Write whether it bills for each child, children of whom the same is true together."""
    if place.kind == "public":
        return texts.line("billing_hospital_does_not_bill")
    if not own:
        return texts.line("billing_unbound")
    told: dict[tuple[str, str], list[str]] = {}
    for seen in own:
        stands = direct_billing.standing(place, seen)
        told.setdefault((stands.result.value, stands.brand or ""), []).append(stands.child)
    return "\n".join(
        texts.line(f"billing_{result}", children=texts.line("and").join(children), brand=brand)
        for (result, brand), children in told.items()
    )


def _short(place: HospitalView, own: list[PolicyView]) -> str:
    stands = [direct_billing.standing(place, seen) for seen in own]
    results = {one.result.value for one in stands}
    if len(results) == 1:
        return texts.word("billed", results.pop())
    able = [one.child for one in stands if one.result.value == "allowed"]
    if able:
        return texts.line("billed_some", children=texts.line("and").join(able))
    return texts.word("hospital", place.kind)


def _hospital_lines(places: list[HospitalView], own: list[PolicyView]) -> str:
    return "\n".join(
        texts.line("hospital", name=h.name, kind=_short(h, own), phone=h.phone) for h in places
    )
