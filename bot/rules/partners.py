"""What partners' programs may do, how often, and what they are told."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from bot.rules.outbox import Rate

# Of one key: so many requests a second for long, and some more after a rest.
API_RATE = Rate(per_second=10, burst=40)
LARGEST_API_BODY = 1_000_000
MOST_ROWS = 500
# How long an answer is kept for the same request, and how long a request may take.
ANSWERS_KEPT = timedelta(hours=48)
REQUEST_LEASE = timedelta(seconds=60)

MOST_DELIVERIES = 10
DELIVERY_LEASE = timedelta(seconds=60)
DELIVERED_KEPT = timedelta(days=30)
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=6)
_GROWTH = 4


class Scope(StrEnum):
    """What a key may do."""

    POLICIES_WRITE = "policies:write"
    HOSPITALS_WRITE = "hospitals:write"
    VISITS_WRITE = "visits:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    AUTHORIZATIONS_READ = "authorizations:read"
    AUTHORIZATIONS_WRITE = "authorizations:write"
    CLAIMS_READ = "claims:read"
    CLAIMS_WRITE = "claims:write"
    ACCOUNTS_READ = "accounts:read"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    WEBHOOKS_MANAGE = "webhooks:manage"


class PartnerEvent(StrEnum):
    """What a partner can be told."""

    BOOKING_REQUESTED = "booking.requested"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_CHANGED = "booking.changed"
    AUTHORIZATION_SUBMITTED = "authorization.submitted"
    AUTHORIZATION_CHANGED = "authorization.changed"
    AUTHORIZATION_PAPERS_RECEIVED = "authorization.papers_received"
    AUTHORIZATION_WITHDRAWN = "authorization.withdrawn"
    AUTHORIZATION_DECIDED = "authorization.decided"
    CLAIM_SUBMITTED = "claim.submitted"
    CLAIM_DOCUMENTS_ADDED = "claim.documents_added"
    CLAIM_WITHDRAWN = "claim.withdrawn"
    CLAIM_CHANGED = "claim.changed"
    COMPLAINT_RECEIVED = "complaint.received"
    PAYMENT_PAID = "payment.paid"
    PAYMENT_DOUBLE = "payment.double"


# The events of a partner by the action of the audit that each is written with.
EVENTS: Mapping[str, PartnerEvent] = MappingProxyType(
    {
        "appointment.request": PartnerEvent.BOOKING_REQUESTED,
        "appointment.reschedule": PartnerEvent.BOOKING_REQUESTED,
        "appointment.cancel": PartnerEvent.BOOKING_CANCELLED,
        "appointment.call_off": PartnerEvent.BOOKING_CANCELLED,
        "appointment.confirm": PartnerEvent.BOOKING_CHANGED,
        "appointment.change": PartnerEvent.BOOKING_CHANGED,
        "appointment.decline": PartnerEvent.BOOKING_CHANGED,
        "appointment.fulfilled": PartnerEvent.BOOKING_CHANGED,
        "appointment.noshow": PartnerEvent.BOOKING_CHANGED,
        "authorization.submitted": PartnerEvent.AUTHORIZATION_SUBMITTED,
        "authorization.changed": PartnerEvent.AUTHORIZATION_CHANGED,
        "authorization.papers_received": PartnerEvent.AUTHORIZATION_PAPERS_RECEIVED,
        "authorization.withdrawn": PartnerEvent.AUTHORIZATION_WITHDRAWN,
        "authorization.approved": PartnerEvent.AUTHORIZATION_DECIDED,
        "authorization.declined": PartnerEvent.AUTHORIZATION_DECIDED,
        "claim.submit": PartnerEvent.CLAIM_SUBMITTED,
        "claim.withdraw": PartnerEvent.CLAIM_WITHDRAWN,
        "claim.papers": PartnerEvent.CLAIM_CHANGED,
        "claim.originals": PartnerEvent.CLAIM_CHANGED,
        "claim.documents_missing": PartnerEvent.CLAIM_CHANGED,
        "claim.settling": PartnerEvent.CLAIM_CHANGED,
        "claim.approved": PartnerEvent.CLAIM_CHANGED,
        "claim.partly_approved": PartnerEvent.CLAIM_CHANGED,
        "claim.rejected": PartnerEvent.CLAIM_CHANGED,
        "claim.paid": PartnerEvent.CLAIM_CHANGED,
        "complaint.file": PartnerEvent.COMPLAINT_RECEIVED,
        "payment.paid": PartnerEvent.PAYMENT_PAID,
        "payment.double": PartnerEvent.PAYMENT_DOUBLE,
        "bill.paid": PartnerEvent.PAYMENT_PAID,
    }
)


def delivery_pause(attempts: int, chance: float) -> timedelta:
    """Give how long to wait after the ``attempts``-th failure: 10 s, 40 s, 160 s … 6 h at most.

    Args:
        attempts: How many failed, 1 or more.
        chance: From 0 to 1; takes off up to half, so that many do not come back at once.
    """
    growth: int = _GROWTH ** min(max(attempts, 1) - 1, 9)
    return min(_FIRST_PAUSE * growth, _LONGEST_PAUSE) * (1 - chance / 2)
