"""What staff were asked to arrange: asking, telling how it stands, cancelling (M4, M6, M7)."""

from __future__ import annotations

import re

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import Event, ServiceAction, Turn, open_form
from bot.services import service_requests as service
from bot.services.errors import NotFound, Refused
from bot.services.service_requests import ServiceRequestView, Wanted

# Words by which a message about "the booking" means one of these.
WORDS = {
    "onsite": re.compile(r"现场|协助|陪同|陪诊"),
    "counselling": re.compile(r"心理|咨询师|疏导"),
    "vaccination": re.compile(r"疫苗|接种|打针|预防针"),
    "health_check": re.compile(r"体检|儿保|健康检查"),
}
OPEN = ("requested", "arranged")


def meant(turn: Turn) -> list[ServiceRequestView]:
    """Return the account's requests that a message is about, open ones first; ``[]`` for none."""
    said = str(turn.entity("reference") or "")
    number = said if said.startswith("R") else None
    kinds = {kind for kind, words in WORDS.items() if words.search(turn.text)}
    if (number is None and not kinds) or not turn.choices:
        return []
    known = service.requests(turn.store, identity_id=turn.identity.id)
    found = [r for r in known if r.reference == number or r.kind in kinds]
    return sorted(found, key=lambda r: r.status not in OPEN)


def request_line(turn: Turn, seen: ServiceRequestView) -> str:
    """Write one request with its state."""
    return texts.line(
        "service_request",
        reference=seen.reference,
        child=seen.child,
        detail=seen.detail or texts.word("service", seen.kind),
        hospital=seen.hospital or "",
        day=texts.day(seen.wished_on, turn.now.date()) if seen.wished_on else "",
        status=texts.word("service_status", seen.status),
    )


def tell_requests(turn: Turn, known: list[ServiceRequestView]) -> bool:
    """List what staff were asked to arrange; return whether there is anything."""
    if not known:
        return False
    lines = "\n".join(request_line(turn, r) for r in known)
    turn.say("service_requests", lines=lines)
    return True


def say_requested(turn: Turn, wanted: Wanted) -> None:
    """Ask staff to arrange it, and tell the number or why not."""
    try:
        seen, new = service.request(
            turn.store,
            identity_id=turn.identity.id,
            number=turn.slot("policy"),
            wanted=wanted,
            now=turn.now,
        )
    except Refused as refused:
        turn.say("service_refused", reason=texts.word("refused", refused.reason))
        return
    payload = f'/check_appointment{{"reference": "{seen.reference}"}}'
    turn.say(
        "service_requested" if new else "service_already",
        buttons=[{"title": texts.line("service_button"), "payload": payload}],
        reference=seen.reference,
        what=texts.word("service", seen.kind),
        child=seen.child,
    )


class ServiceCancelForm(Form):
    """Which request, and confirmation."""

    form = "service_cancel_form"
    slots = ("service_reference", "service_cancel_confirm")
    own = repeats = frozenset({"cancel_appointment"})
    confirm = "service_cancel_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for another request."""
        found = Found()
        other = [r for r in meant(turn) if r.status in OPEN]
        if len(other) == 1 and other[0].reference != turn.slot("service_reference"):
            found.add("service_reference", other[0].reference, (0, len(turn.text)))
        return found


def begin_cancelling(turn: Turn) -> list[Event] | None:
    """Open the form about the request that a message wants cancelled; ``None`` if it names none."""
    open_ones = [r for r in meant(turn) if r.status in OPEN]
    if not open_ones:
        return None
    chosen = open_ones[0].reference if len(open_ones) == 1 else None
    begin = [SlotSet("service_reference", chosen), SlotSet("service_cancel_confirm", None)]
    return [*begin, SlotSet("pending_task", None), *open_form(turn, ServiceCancelForm.form)]


class ActionAskServiceReference(ServiceAction):
    """Asks which request."""

    action_name = "action_ask_service_reference"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """List the open ones."""
        known = service.requests(turn.store, identity_id=turn.identity.id)
        tell_requests(turn, [r for r in known if r.status in OPEN])
        turn.say("ask_service_reference")
        return []


class ActionAskServiceCancelConfirm(ServiceAction):
    """Sums up what will be cancelled."""

    action_name = "action_ask_service_cancel_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the request, and ask."""
        known = service.requests(turn.store, identity_id=turn.identity.id)
        seen = next((r for r in known if r.reference == turn.slot("service_reference")), None)
        if seen is None:
            raise NotFound("service request")
        turn.say("confirm_service_cancel", line=request_line(turn, seen))
        return []


class ActionSubmitServiceCancel(Submit):
    """Cancels."""

    form_class = ServiceCancelForm

    def submit(self, turn: Turn) -> str | None:
        """Cancel, and say so."""
        try:
            seen = service.cancel(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot("service_reference"),
                now=turn.now,
            )
        except Refused as refused:
            turn.say("service_refused", reason=texts.word("refused", refused.reason))
            return None
        what = texts.word("service", seen.kind)
        turn.say("service_cancelled", reference=seen.reference, what=what)
        return None
