"""Every status of every state machine is reached by a test that drives the service there."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pytest

from bot.rules import states
from bot.settings import ROOT
from bot.store import models

SERVICES = Path(__file__).parent / "services"
MACHINES: Mapping[str, tuple[str, ...]] = {
    "appointment": tuple(states.APPOINTMENT_STATES),
    "authorization": tuple(states.AUTHORIZATION_STATES),
    "consultation": tuple(states.CONSULTATION_STATES),
    "service_request": models.SERVICE_REQUEST_STATES,
    "claim": tuple(states.CLAIM_STATES),
    "complaint": tuple(states.COMPLAINT_STATES),
    "data_request": tuple(states.DATA_REQUEST_STATES),
    "payment": models.PAYMENT_STATES,
    "outbox": models.OUTBOX_STATES,
    "handoff": models.HANDOFF_STATES,
}
# The tables allow them for imported rows; no service brings a row there.
ONLY_IMPORTED = {("authorization", "draft")}
ALL = {(name, str(status)) for name, found in MACHINES.items() for status in found}
# Where each is reached: file, test. Names of statuses must stand in the test or its parameters.
DRIVEN: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "appointment": {
        "requested": ("appointments", "test_a_moved_visit_is_arranged_anew"),
        "confirmed": ("appointment_desk", "test_confirm_as_wished"),
        "declined": ("appointment_desk", "test_decline_with_a_reason"),
        "cancelled": ("appointment_desk", "test_the_hospital_calls_off_a_confirmed_visit"),
        "fulfilled": ("appointment_desk", "test_how_a_visit_ended"),
        "noshow": ("appointment_desk", "test_how_a_visit_ended"),
    },
    "authorization": {
        "submitted": ("authorization_requests", "test_an_application_is_stored_as_it_was_said"),
        "under_review": (
            "authorization_requests",
            "test_one_under_review_is_moved_and_stays_under_review",
        ),
        "documents_missing": (
            "authorization_desk",
            "test_papers_are_asked_for_and_come_one_by_one",
        ),
        "approved": ("authorization_desk", "test_from_application_to_letter"),
        "declined": ("authorization_desk", "test_a_refusal_tells_why_and_lets_apply_again"),
        "withdrawn": ("authorization_requests", "test_withdrawing_twice_is_withdrawing_once"),
    },
    "consultation": {
        "requested": ("consultations", "test_when_the_call_is_due"),
        "called_back": ("consultation_desk", "test_called_back_and_over"),
        "overdue": (
            "consultation_desk",
            "test_a_late_call_becomes_overdue_and_can_still_be_made",
        ),
        "closed": ("consultation_desk", "test_taken_back_by_the_parent_once"),
    },
    "service_request": {
        "requested": ("service_requests", "test_a_request_has_a_number_and_waits"),
        "arranged": ("service_requests", "test_staff_decide_and_the_parents_hear_of_it"),
        "declined": ("service_requests", "test_staff_decide_and_the_parents_hear_of_it"),
        "cancelled": ("service_requests", "test_a_cancelled_request_can_be_asked_for_anew"),
    },
    "claim": {
        "draft": ("claim_settlement", "test_a_draft_stays_a_draft_and_each_message_is_sent"),
        "submitted": (
            "claim_progress",
            "test_a_complete_claim_is_sent_in_and_due_in_three_working_days",
        ),
        "documents_missing": (
            "claim_settlement",
            "test_papers_are_asked_for_and_the_claim_comes_back",
        ),
        "settling": ("claim_settlement", "test_an_outpatient_claim_from_the_draft_to_the_money"),
        "approved": ("claim_settlement", "test_an_outpatient_claim_from_the_draft_to_the_money"),
        "partly_approved": ("claim_settlement", "test_a_part_is_paid_with_the_reason"),
        "rejected": ("claim_settlement", "test_a_rejection_is_told_with_the_reason_and_ends_it"),
        "paid": ("claim_settlement", "test_an_outpatient_claim_from_the_draft_to_the_money"),
        "withdrawn": (
            "claim_progress",
            "test_a_claim_is_withdrawn_and_the_visit_can_be_claimed_anew",
        ),
    },
    "complaint": {
        name: ("complaints", "test_received_in_progress_resolved")
        for name in ("received", "in_progress", "resolved")
    },
    "data_request": {
        "received": ("data_requests", "test_the_wish_is_noted_with_a_due_time_and_once"),
        "checking": ("data_requests", "test_received_checking_done"),
        "done": ("data_requests", "test_received_checking_done"),
        "refused": ("data_requests", "test_received_checking_refused_with_a_reason"),
    },
    "payment": {
        "created": ("payments", "test_the_order_is_kept_before_the_provider_is_asked"),
        "pending": ("payments", "test_a_link_for_what_is_owed"),
        "paid": ("payments", "test_paid_makes_the_card_active_and_tells_the_parents_once"),
        "failed": ("payments", "test_a_payment_that_failed_can_be_tried_again"),
        "expired": ("payments", "test_an_expired_link_is_followed_by_a_new_one"),
    },
    "handoff": {
        "requested": ("handoff_timers", "test_in_the_morning_what_was_left_comes_first"),
        "queued": ("handoff_timers", "test_nobody_takes_it_for_too_long"),
        "assigned": ("handoff_timers", "test_not_taken_up_it_goes_to_somebody_else"),
        "human": ("handoff_desk", "test_taken_by_one_agent_and_by_nobody_else"),
        "snoozed": ("handoff_desk", "test_put_aside_until_the_parent_writes"),
        "resolved": ("handoff_desk", "test_ended_by_the_agent_who_has_it_or_a_supervisor"),
    },
    "outbox": {
        "pending": ("outbox", "test_pending_sending_sent"),
        "sending": ("outbox", "test_pending_sending_sent"),
        "sent": ("outbox", "test_pending_sending_sent"),
        "failed": (
            "outbox",
            "test_a_failure_is_tried_again_after_a_pause_and_dropped_at_the_last",
        ),
        "dropped": ("outbox", "test_a_refused_message_is_dropped"),
        "unknown": ("outbox", "test_unknown_is_never_repeated_but_may_still_be_confirmed"),
    },
}


@lru_cache
def source(file: str, test: str) -> str:
    path = SERVICES / f"test_{file}.py"
    text = path.read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith(test):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise AssertionError(f"{path.name} has no {test}")


def test_every_machine_and_status_has_a_test() -> None:
    driven = {(name, status) for name, found in DRIVEN.items() for status in found}
    assert driven | ONLY_IMPORTED == ALL
    assert not driven & ONLY_IMPORTED


def test_what_is_only_imported_is_written_by_no_service() -> None:
    sources = "\n".join(p.read_text("utf-8") for p in (ROOT / "bot/services").glob("*.py"))
    assert not re.search(r"status ?= ?AuthorizationState\.DRAFT", sources)


@pytest.mark.parametrize(("machine", "status"), sorted(ALL - ONLY_IMPORTED))
def test_the_test_names_the_status(machine: str, status: str) -> None:
    file, test = DRIVEN[machine][status]
    written = source(file, test)
    assert "assert" in written
    assert status.lower() in written.lower()
