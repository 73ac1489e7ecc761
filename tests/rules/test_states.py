"""States and their moves."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

import pytest

from bot.rules import states
from bot.rules.states import (
    AppointmentState,
    AuthorizationState,
    ClaimState,
    ComplaintState,
    ConsultationState,
    DataRequestState,
    can_move,
    is_final,
    moves_from,
)
from bot.store.models import COMPLAINT_STATES, DATA_REQUEST_STATES

KINDS: list[tuple[type[StrEnum], Mapping[Any, frozenset[Any]], set[str]]] = [
    (AppointmentState, states.APPOINTMENT_MOVES, {"requested"}),
    (AuthorizationState, states.AUTHORIZATION_MOVES, {"draft"}),
    (ConsultationState, states.CONSULTATION_MOVES, {"requested"}),
    (ClaimState, states.CLAIM_MOVES, {"draft"}),
    (ComplaintState, states.COMPLAINT_MOVES, {"received"}),
    (DataRequestState, states.DATA_REQUEST_MOVES, {"received"}),
]


@pytest.mark.parametrize(("kind", "moves", "first"), KINDS)
def test_every_state_has_its_moves_and_is_reached(
    kind: type[StrEnum], moves: Mapping[Any, frozenset[Any]], first: set[str]
) -> None:
    assert set(moves) == set(kind)
    reached = set(first)
    while more := {target for state in reached for target in moves[state]} - reached:
        reached |= more
    assert reached == set(kind)


@pytest.mark.parametrize(("kind", "moves", "first"), KINDS)
def test_no_state_moves_to_itself_and_an_end_is_within_reach(
    kind: type[StrEnum], moves: Mapping[Any, frozenset[Any]], first: set[str]
) -> None:
    ends = {state for state in kind if not moves[state]}
    ending = set(ends)
    while more := {state for state in kind if moves[state] & ending} - ending:
        ending |= more
    assert ending == set(kind)
    assert not first & ends
    assert all(state not in moves[state] for state in kind)


@pytest.mark.parametrize(
    ("states_of_kind", "words"),
    [
        (
            states.APPOINTMENT_STATES,
            {"requested", "confirmed", "declined", "cancelled", "fulfilled", "noshow"},
        ),
        (
            states.AUTHORIZATION_STATES,
            {
                "draft",
                "submitted",
                "under_review",
                "documents_missing",
                "approved",
                "declined",
                "withdrawn",
            },
        ),
        (states.CONSULTATION_STATES, {"requested", "called_back", "closed", "overdue"}),
        (
            states.CLAIM_STATES,
            {
                "draft",
                "submitted",
                "documents_missing",
                "settling",
                "approved",
                "partly_approved",
                "rejected",
                "paid",
                "withdrawn",
            },
        ),
        (states.COMPLAINT_STATES, set(COMPLAINT_STATES)),
        (states.DATA_REQUEST_STATES, set(DATA_REQUEST_STATES)),
    ],
)
def test_the_words_are_those_of_the_data(states_of_kind: tuple[str, ...], words: set[str]) -> None:
    assert set(states_of_kind) == words


def test_v3_a_confirmed_visit_can_be_moved_cancelled_or_missed() -> None:
    assert moves_from(AppointmentState.CONFIRMED) == {
        AppointmentState.REQUESTED,
        AppointmentState.CANCELLED,
        AppointmentState.FULFILLED,
        AppointmentState.NOSHOW,
    }
    assert not can_move(AppointmentState.CANCELLED, AppointmentState.CONFIRMED)
    assert not can_move(AppointmentState.REQUESTED, AppointmentState.FULFILLED)


def test_m1_an_overdue_request_can_still_be_answered() -> None:
    assert can_move(ConsultationState.OVERDUE, ConsultationState.CALLED_BACK)
    assert not can_move(ConsultationState.CALLED_BACK, ConsultationState.OVERDUE)


def test_p1_nothing_is_approved_before_it_is_reviewed() -> None:
    assert not can_move(AuthorizationState.SUBMITTED, AuthorizationState.APPROVED)
    assert can_move(AuthorizationState.UNDER_REVIEW, AuthorizationState.APPROVED)


@pytest.mark.parametrize("state", AuthorizationState)
def test_p1_a_parent_withdraws_until_it_is_refused(state: AuthorizationState) -> None:
    ended = {AuthorizationState.DECLINED, AuthorizationState.WITHDRAWN}
    assert can_move(state, AuthorizationState.WITHDRAWN) is (state not in ended)


def test_e2_a_complaint_is_answered_by_who_took_it_up() -> None:
    assert not can_move(ComplaintState.RECEIVED, ComplaintState.RESOLVED)
    assert can_move(ComplaintState.IN_PROGRESS, ComplaintState.RESOLVED)


def test_final_states_are_final() -> None:
    assert is_final(ClaimState.PAID)
    assert is_final(AppointmentState.NOSHOW)
    assert not is_final(ClaimState.APPROVED)


def test_equal_words_of_two_kinds_are_kept_apart() -> None:
    assert AuthorizationState.DOCUMENTS_MISSING.value == ClaimState.DOCUMENTS_MISSING.value
    assert moves_from(AuthorizationState.DOCUMENTS_MISSING) != moves_from(
        ClaimState.DOCUMENTS_MISSING
    )
    with pytest.raises(TypeError, match="two kinds"):
        can_move(cast(Any, AuthorizationState.DRAFT), ClaimState.SUBMITTED)


def test_a_plain_word_is_no_state() -> None:
    with pytest.raises(TypeError, match="not a state"):
        is_final(cast(Any, "submitted"))


def test_every_appointment_state_has_a_fhir_status() -> None:
    assert set(states.APPOINTMENT_FHIR) == set(AppointmentState)
    known = {"proposed", "pending", "booked", "fulfilled", "cancelled", "noshow"}
    assert set(states.APPOINTMENT_FHIR.values()) <= known
    assert states.APPOINTMENT_FHIR[AppointmentState.CONFIRMED] == "booked"
