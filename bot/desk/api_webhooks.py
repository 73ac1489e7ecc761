"""Webhooks: the addresses that are told of events, and what they never took."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from bot.desk.api_gate import Caller, GatedRoute, operation
from bot.desk.api_types import In, Moment, Out, Reference, Words500
from bot.rules.partners import PartnerEvent, Scope
from bot.services import webhooks

router = APIRouter(route_class=GatedRoute, prefix="/webhooks", tags=["webhooks"])
Letter = Annotated[int, Path(ge=1, le=2_000_000_000)]


class EndpointOut(Out):
    """An address and what it is told."""

    reference: str
    url: str
    events: list[PartnerEvent]
    created_at: Moment


class NewEndpoint(EndpointOut):
    """With the secret that signs what it is told, shown this once."""

    secret: str


class EndpointIn(In):
    """An HTTPS address on the public Internet, and what it wants to be told."""

    url: Words500
    events: list[PartnerEvent] = Field(min_length=1, max_length=len(PartnerEvent))


class Endpoints(Out):
    """All addresses of this key."""

    items: list[EndpointOut]


class DeadLetterOut(Out):
    """An event that an address never took."""

    id: int
    endpoint: str
    event: str
    kind: PartnerEvent
    at: Moment
    attempts: int
    answered: int | None
    problem: str | None
    ended_at: Moment


class DeadLetters(Out):
    """The newest dead letters of this key's addresses, 500 at most."""

    items: list[DeadLetterOut]


class Replayed(Out):
    """It is on its way again."""

    id: int


@router.get("", **operation(Scope.WEBHOOKS_MANAGE))
def list_endpoints(call: Caller) -> Endpoints:
    """List the addresses of this key."""
    found = webhooks.endpoints(call.store, partner=call.partner.id)
    return Endpoints(items=[EndpointOut.model_validate(one) for one in found])


@router.post("", status_code=201, **operation(Scope.WEBHOOKS_MANAGE, post=True))
def register(body: EndpointIn, call: Caller) -> NewEndpoint:
    """Add an address; the answer holds the secret, this once."""
    found, secret = webhooks.register(
        call.store,
        partner=call.partner.id,
        actor=call.actor,
        url=body.url,
        events=body.events,
        now=call.now,
    )
    shown = EndpointOut.model_validate(found)
    return NewEndpoint(**shown.model_dump(), secret=secret)


@router.delete("/{reference}", status_code=204, **operation(Scope.WEBHOOKS_MANAGE, 404))
def remove(reference: Reference, call: Caller) -> Response:
    """End an address; what was on its way to it becomes dead letters."""
    webhooks.remove(
        call.store,
        partner=call.partner.id,
        reference=reference,
        actor=call.actor,
        now=call.now,
    )
    return Response(status_code=204)


@router.get("/dead-letters", **operation(Scope.WEBHOOKS_MANAGE))
def list_dead_letters(call: Caller) -> DeadLetters:
    """List what this key's addresses never took."""
    found = webhooks.dead_letters(call.store, partner=call.partner.id)
    return DeadLetters(items=[DeadLetterOut.model_validate(one) for one in found])


@router.post("/dead-letters/{letter}/replay", **operation(Scope.WEBHOOKS_MANAGE, 404, post=True))
def replay(letter: Letter, call: Caller) -> Replayed:
    """Send a dead letter again, with the same id."""
    webhooks.replay(call.store, letter, actor=call.actor, now=call.now, partner=call.partner.id)
    return Replayed(id=letter)
