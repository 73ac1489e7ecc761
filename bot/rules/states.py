"""The states of appointments, authorizations, consultation requests, claims and complaints.

Each kind has its words and a table of the moves that are allowed. A move to the same state is no
move: a service that may be asked twice compares first.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar


class AppointmentState(StrEnum):
    """A booked visit (手册·就医流程 V2, V3). To move a confirmed visit is to request anew."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"


class AuthorizationState(StrEnum):
    """A prior authorization (手册·事先授权 P1, P3)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    DOCUMENTS_MISSING = "documents_missing"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ConsultationState(StrEnum):
    """A request for a phone consultation (手册·医疗服务 M1)."""

    REQUESTED = "requested"
    OVERDUE = "overdue"
    CALLED_BACK = "called_back"
    CLOSED = "closed"


class ServiceRequestState(StrEnum):
    """What staff are asked to arrange (手册·医疗服务 M4, M6, M7)."""

    REQUESTED = "requested"
    ARRANGED = "arranged"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class ClaimState(StrEnum):
    """A claim, from the first line to the money (手册·理赔流程 C1 to C4)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    DOCUMENTS_MISSING = "documents_missing"
    SETTLING = "settling"
    APPROVED = "approved"
    PARTLY_APPROVED = "partly_approved"
    REJECTED = "rejected"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class ComplaintState(StrEnum):
    """A complaint or suggestion (手册·电子保险卡 E2)."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"


class DataRequestState(StrEnum):
    """A parent's wish to have the data stored of them copied or erased."""

    RECEIVED = "received"
    CHECKING = "checking"
    DONE = "done"
    REFUSED = "refused"


State = (
    AppointmentState
    | AuthorizationState
    | ConsultationState
    | ServiceRequestState
    | ClaimState
    | ComplaintState
    | DataRequestState
)
S = TypeVar(
    "S",
    AppointmentState,
    AuthorizationState,
    ConsultationState,
    ServiceRequestState,
    ClaimState,
    ComplaintState,
    DataRequestState,
)

APPOINTMENT_STATES = tuple(AppointmentState)
AUTHORIZATION_STATES = tuple(AuthorizationState)
CONSULTATION_STATES = tuple(ConsultationState)
CLAIM_STATES = tuple(ClaimState)
COMPLAINT_STATES = tuple(ComplaintState)
DATA_REQUEST_STATES = tuple(DataRequestState)

APPOINTMENT_MOVES: Mapping[AppointmentState, frozenset[AppointmentState]] = MappingProxyType(
    {
        AppointmentState.REQUESTED: frozenset(
            {AppointmentState.CONFIRMED, AppointmentState.DECLINED, AppointmentState.CANCELLED}
        ),
        AppointmentState.CONFIRMED: frozenset(
            {
                AppointmentState.REQUESTED,
                AppointmentState.CANCELLED,
                AppointmentState.FULFILLED,
                AppointmentState.NOSHOW,
            }
        ),
        AppointmentState.DECLINED: frozenset(),
        AppointmentState.CANCELLED: frozenset(),
        AppointmentState.FULFILLED: frozenset(),
        AppointmentState.NOSHOW: frozenset(),
    }
)

AUTHORIZATION_MOVES: Mapping[AuthorizationState, frozenset[AuthorizationState]] = MappingProxyType(
    {
        AuthorizationState.DRAFT: frozenset(
            {AuthorizationState.SUBMITTED, AuthorizationState.WITHDRAWN}
        ),
        AuthorizationState.SUBMITTED: frozenset(
            {
                AuthorizationState.UNDER_REVIEW,
                AuthorizationState.DOCUMENTS_MISSING,
                AuthorizationState.WITHDRAWN,
            }
        ),
        AuthorizationState.UNDER_REVIEW: frozenset(
            {
                AuthorizationState.DOCUMENTS_MISSING,
                AuthorizationState.APPROVED,
                AuthorizationState.DECLINED,
                AuthorizationState.WITHDRAWN,
            }
        ),
        AuthorizationState.DOCUMENTS_MISSING: frozenset(
            {
                AuthorizationState.SUBMITTED,
                AuthorizationState.UNDER_REVIEW,
                AuthorizationState.WITHDRAWN,
            }
        ),
        # The parent may give up a treatment that was approved already.
        AuthorizationState.APPROVED: frozenset({AuthorizationState.WITHDRAWN}),
        AuthorizationState.DECLINED: frozenset(),
        AuthorizationState.WITHDRAWN: frozenset(),
    }
)

CONSULTATION_MOVES: Mapping[ConsultationState, frozenset[ConsultationState]] = MappingProxyType(
    {
        ConsultationState.REQUESTED: frozenset(
            {ConsultationState.CALLED_BACK, ConsultationState.OVERDUE, ConsultationState.CLOSED}
        ),
        ConsultationState.OVERDUE: frozenset(
            {ConsultationState.CALLED_BACK, ConsultationState.CLOSED}
        ),
        ConsultationState.CALLED_BACK: frozenset({ConsultationState.CLOSED}),
        ConsultationState.CLOSED: frozenset(),
    }
)

SERVICE_REQUEST_MOVES: Mapping[ServiceRequestState, frozenset[ServiceRequestState]] = (
    MappingProxyType(
        {
            ServiceRequestState.REQUESTED: frozenset(
                {
                    ServiceRequestState.ARRANGED,
                    ServiceRequestState.DECLINED,
                    ServiceRequestState.CANCELLED,
                }
            ),
            ServiceRequestState.ARRANGED: frozenset({ServiceRequestState.CANCELLED}),
            ServiceRequestState.DECLINED: frozenset(),
            ServiceRequestState.CANCELLED: frozenset(),
        }
    )
)

CLAIM_MOVES: Mapping[ClaimState, frozenset[ClaimState]] = MappingProxyType(
    {
        ClaimState.DRAFT: frozenset({ClaimState.SUBMITTED, ClaimState.WITHDRAWN}),
        ClaimState.SUBMITTED: frozenset(
            {ClaimState.DOCUMENTS_MISSING, ClaimState.SETTLING, ClaimState.WITHDRAWN}
        ),
        ClaimState.DOCUMENTS_MISSING: frozenset(
            {ClaimState.SUBMITTED, ClaimState.SETTLING, ClaimState.WITHDRAWN}
        ),
        # Whoever settles may find that a document is missing after all.
        ClaimState.SETTLING: frozenset(
            {
                ClaimState.DOCUMENTS_MISSING,
                ClaimState.APPROVED,
                ClaimState.PARTLY_APPROVED,
                ClaimState.REJECTED,
            }
        ),
        ClaimState.APPROVED: frozenset({ClaimState.PAID}),
        ClaimState.PARTLY_APPROVED: frozenset({ClaimState.PAID}),
        ClaimState.REJECTED: frozenset(),
        ClaimState.PAID: frozenset(),
        ClaimState.WITHDRAWN: frozenset(),
    }
)

COMPLAINT_MOVES: Mapping[ComplaintState, frozenset[ComplaintState]] = MappingProxyType(
    {
        ComplaintState.RECEIVED: frozenset({ComplaintState.IN_PROGRESS}),
        ComplaintState.IN_PROGRESS: frozenset({ComplaintState.RESOLVED}),
        ComplaintState.RESOLVED: frozenset(),
    }
)

DATA_REQUEST_MOVES: Mapping[DataRequestState, frozenset[DataRequestState]] = MappingProxyType(
    {
        DataRequestState.RECEIVED: frozenset({DataRequestState.CHECKING}),
        DataRequestState.CHECKING: frozenset({DataRequestState.DONE, DataRequestState.REFUSED}),
        DataRequestState.DONE: frozenset(),
        DataRequestState.REFUSED: frozenset(),
    }
)

# The status words of a FHIR Appointment, for the partner interface.
APPOINTMENT_FHIR: Mapping[AppointmentState, str] = MappingProxyType(
    {
        AppointmentState.REQUESTED: "proposed",
        AppointmentState.CONFIRMED: "booked",
        AppointmentState.DECLINED: "cancelled",
        AppointmentState.CANCELLED: "cancelled",
        AppointmentState.FULFILLED: "fulfilled",
        AppointmentState.NOSHOW: "noshow",
    }
)


_MOVES: Mapping[type[StrEnum], Mapping[Any, frozenset[Any]]] = MappingProxyType(
    {
        AppointmentState: APPOINTMENT_MOVES,
        AuthorizationState: AUTHORIZATION_MOVES,
        ConsultationState: CONSULTATION_MOVES,
        ServiceRequestState: SERVICE_REQUEST_MOVES,
        ClaimState: CLAIM_MOVES,
        ComplaintState: COMPLAINT_MOVES,
        DataRequestState: DATA_REQUEST_MOVES,
    }
)


def moves_from(current: State) -> frozenset[State]:
    """Give the states that `current` can move to. Raises TypeError for anything but a state.

    手册·就医流程 V2, V3; 手册·事先授权 P1; 手册·医疗服务 M1; 手册·理赔流程 C1 to C4.
    """
    # By kind, for the words of two kinds are equal as strings ("submitted") and would be mixed up.
    moves = _MOVES.get(type(current))
    if moves is None:
        msg = f"not a state: {current!r}"
        raise TypeError(msg)
    return frozenset(moves[current])


def can_move(current: S, target: S) -> bool:
    """Say whether `current` may become `target`; two states of one kind (as `moves_from`).

    Raises TypeError for a plain word, which names no kind: `ClaimState(word)` makes it a state.
    """
    if type(current) is not type(target):
        msg = f"states of two kinds: {current!r} and {target!r}"
        raise TypeError(msg)
    return target in moves_from(current)


def is_final(current: State) -> bool:
    """Say whether nothing can follow the state `current` (as `moves_from`)."""
    return not moves_from(current)
