"""Claims: the ways to the money, their times and their documents (手册·理赔流程 C1 to C6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from bot.rules import states
from bot.rules.calendar import add_working_days, end_of_day, local_day
from bot.rules.states import CLAIM_MOVES, CLAIM_STATES, ClaimState

__all__ = [
    "ADULT_AGE",
    "CLAIMS_EMAIL",
    "CLAIM_MOVES",
    "CLAIM_STATES",
    "ORIGINALS_ADDRESS",
    "ORIGINALS_PHONE",
    "ORIGINALS_RECIPIENT",
    "Channel",
    "ClaimKind",
    "ClaimRoute",
    "ClaimState",
    "DocumentKind",
    "NotClaimableError",
    "can_move",
    "claim_route",
    "document_checklist",
    "internet_submission_deadline",
    "is_minor",
    "payout_due",
    "settlement_due",
]

# C2: where the originals of an inpatient claim are couriered to.
ORIGINALS_RECIPIENT = "风石健康理赔部"
ORIGINALS_ADDRESS = "上海市徐汇区龙华中路596号1201室"
ORIGINALS_PHONE = "021-80209058"
# C3
CLAIMS_EMAIL = "service@windstoneservice.com"

ADULT_AGE = 18


class ClaimKind(StrEnum):
    """The kinds of visit that a parent may want money back for."""

    PUBLIC_OUTPATIENT = "public_outpatient"  # C1, emergency included
    PUBLIC_INPATIENT = "public_inpatient"  # C2
    INTERNET = "internet"  # C3, consultation and prescription
    VACCINATION = "vaccination"  # C4, at a public hospital
    NETWORK_CLINIC = "network_clinic"  # C5


class NotClaimableError(ValueError):
    """No claim is accepted for this kind of visit (手册·理赔流程 C5)."""

    def __init__(self, kind: ClaimKind) -> None:
        """Keep the kind of visit as `kind`."""
        super().__init__(f"no claim is accepted for {kind.value}")
        self.kind = kind


class Channel(StrEnum):
    """The ways in which documents are handed in."""

    ONLINE = "online"
    EMAIL = "email"
    COURIER = "courier"


class DocumentKind(StrEnum):
    """The documents of a claim (手册·理赔流程 C3, C6)."""

    MEDICAL_RECORD = "medical_record"
    ID_DOCUMENT = "id_document"
    E_CARD = "e_card"
    BANK_ACCOUNT = "bank_account"
    ITEMISED_BILL = "itemised_bill"
    INVOICE = "invoice"
    DISCHARGE_SUMMARY = "discharge_summary"
    BIRTH_CERTIFICATE = "birth_certificate"
    GUARDIAN_ID = "guardian_id"
    CLAIM_FORM = "claim_form"
    CONSULTATION_RECEIPT = "consultation_receipt"
    PRESCRIPTION_RECEIPT = "prescription_receipt"


@dataclass(frozen=True)
class ClaimRoute:
    """How a kind of claim is made; None where the manual states no time.

    `settle_working_days` run from complete documents, `pay_working_days` from the settlement,
    `send_within_working_days` from the visit.
    """

    allowed: bool
    settle_working_days: int | None
    pay_working_days: int | None
    needs_originals: bool
    follow_up_only: bool
    send_within_working_days: int | None
    channels: tuple[Channel, ...]


_ONLINE = ClaimRoute(
    allowed=True,
    settle_working_days=3,
    pay_working_days=2,
    needs_originals=False,
    follow_up_only=False,
    send_within_working_days=None,
    channels=(Channel.ONLINE,),
)
_ROUTES: Mapping[ClaimKind, ClaimRoute] = MappingProxyType(
    {
        ClaimKind.PUBLIC_OUTPATIENT: _ONLINE,
        ClaimKind.PUBLIC_INPATIENT: ClaimRoute(
            allowed=True,
            settle_working_days=10,
            pay_working_days=None,
            needs_originals=True,
            follow_up_only=False,
            send_within_working_days=None,
            channels=(Channel.ONLINE, Channel.COURIER),
        ),
        ClaimKind.INTERNET: ClaimRoute(
            allowed=True,
            settle_working_days=3,
            pay_working_days=2,
            needs_originals=False,
            follow_up_only=True,
            send_within_working_days=1,
            channels=(Channel.ONLINE, Channel.EMAIL),
        ),
        ClaimKind.VACCINATION: _ONLINE,
        ClaimKind.NETWORK_CLINIC: ClaimRoute(
            allowed=False,
            settle_working_days=None,
            pay_working_days=None,
            needs_originals=False,
            follow_up_only=False,
            send_within_working_days=None,
            channels=(),
        ),
    }
)

_ALWAYS = (
    DocumentKind.MEDICAL_RECORD,
    DocumentKind.ID_DOCUMENT,
    DocumentKind.E_CARD,
    DocumentKind.BANK_ACCOUNT,
    DocumentKind.ITEMISED_BILL,
    DocumentKind.INVOICE,
)


def claim_route(kind: ClaimKind) -> ClaimRoute:
    """Give how a claim of this kind is made (手册·理赔流程 C1 to C5); C5 is not `allowed`."""
    return _ROUTES[kind]


def _claimable(kind: ClaimKind) -> ClaimRoute:
    route = _ROUTES[kind]
    if not route.allowed:
        raise NotClaimableError(kind)
    return route


def _end_of_working_day(start: datetime, days: int | None) -> datetime | None:
    day = local_day(start)
    return None if days is None else end_of_day(add_working_days(day, days))


def settlement_due(kind: ClaimKind, complete_at: datetime) -> datetime:
    """Give the time until which a claim is settled (手册·理赔流程 C1 to C4).

    Takes the aware moment at which the documents were complete (for an inpatient claim, the
    couriered originals too); returns the end of a working day in Asia/Shanghai. Raises
    NotClaimableError for a network clinic (C5), ValueError for a naive datetime.
    """
    due = _end_of_working_day(complete_at, _ROUTES[kind].settle_working_days)
    if due is None:
        raise NotClaimableError(kind)
    return due


def payout_due(kind: ClaimKind, settled_at: datetime) -> datetime | None:
    """Give the time until which a settled claim is paid out (手册·理赔流程 C1, C3, C4).

    Takes the aware moment of the settlement; returns the end of a working day in Asia/Shanghai,
    or None where the manual is silent (inpatient, C2). Raises NotClaimableError for a network
    clinic (C5), ValueError for a naive datetime.
    """
    return _end_of_working_day(settled_at, _claimable(kind).pay_working_days)


def internet_submission_deadline(visit_day: date) -> datetime:
    """Give the last moment to send in an internet consultation (手册·理赔流程 C3).

    Takes the local day of the consultation; returns the end of the next working day in
    Asia/Shanghai.
    """
    return end_of_day(add_working_days(visit_day, 1))


def document_checklist(
    kind: ClaimKind, minor: bool, discharged: bool, *, prescription: bool = True
) -> tuple[DocumentKind, ...]:
    """Give the documents of a claim, in the manual's order (手册·理赔流程 C3, C6).

    `minor` is whether the insured is under age (`is_minor`), `discharged` whether the visit ended
    with a discharge from hospital, `prescription` whether an internet visit led to one. The
    receipts of an internet visit come beside the general list, which the manual gives for it
    too. Raises NotClaimableError for a network clinic (C5).
    """
    _claimable(kind)
    documents = list(_ALWAYS)
    if kind is ClaimKind.INTERNET:
        documents.append(DocumentKind.CONSULTATION_RECEIPT)
        if prescription:
            documents.append(DocumentKind.PRESCRIPTION_RECEIPT)
    if discharged:
        documents.append(DocumentKind.DISCHARGE_SUMMARY)
    if minor:
        documents += [DocumentKind.BIRTH_CERTIFICATE, DocumentKind.GUARDIAN_ID]
    documents.append(DocumentKind.CLAIM_FORM)
    return tuple(documents)


def is_minor(born: date, on: date) -> bool:
    """Say whether someone born on `born` is under 18 on the local day `on` (手册·理赔流程 C6).

    The eighteenth birthday ends minority; for the 29th of February that is the 1st of March.
    Raises ValueError for a birth after `on`.
    """
    if born > on:
        msg = "born after the day in question"
        raise ValueError(msg)
    before_birthday = (on.month, on.day) < (born.month, born.day)
    return on.year - born.year - before_birthday < ADULT_AGE


def can_move(current: ClaimState, target: ClaimState) -> bool:
    """Say whether a claim in the state `current` may become `target` (手册·理赔流程 C1 to C4)."""
    return states.can_move(current, target)
