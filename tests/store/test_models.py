"""What the database itself refuses, on SQLite as on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.store.models import (
    AgentPresence,
    ApiKey,
    ApiRequest,
    Appointment,
    AuditEntry,
    Authorization,
    AuthorizationEvent,
    AuthorizationPaper,
    Base,
    BenefitUse,
    Binding,
    CannedReply,
    ChatIdentity,
    ChatMessage,
    Child,
    Claim,
    ClaimEvent,
    ClaimRequirement,
    Complaint,
    ComplaintNote,
    ConsultationRequest,
    Conversation,
    ConversationEvent,
    DataRequest,
    DocumentLabel,
    DocumentReference,
    HandOff,
    HandOffEvent,
    HandOffMessage,
    Hospital,
    HospitalAlias,
    HospitalDepartment,
    Household,
    InboundUpdate,
    Lecture,
    LectureRegistration,
    NotificationSetting,
    OfficeException,
    OfficeHours,
    OneTimeCode,
    OutboxMessage,
    Payment,
    Plan,
    PlanBenefit,
    PlanRoute,
    Policy,
    SelfPayBill,
    ServiceRequest,
    SignInFailure,
    StaffSession,
    StaffUser,
    VerificationLock,
    Visit,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)

# One valid row of every table; the ids are those of the rows before.
VALID: dict[type[Any], dict[str, Any]] = {
    Household: {"phone": "13900000001"},
    StaffUser: {
        "login": "lin",
        "name": "小林",
        "role": "agent",
        "password_hash": "x",
        "created_at": NOW,
    },
    StaffSession: {"user_id": 1, "token_hash": "a" * 64, "made_at": NOW, "seen_at": NOW},
    SignInFailure: {"login_hash": "b" * 64, "failures": 1, "last_at": NOW},
    Plan: {"name": "示例计划"},
    PlanBenefit: {"plan_id": 1, "benefit": "vaccine", "unit": "CNY", "limit_value": 0},
    PlanRoute: {"plan_id": 1, "service": "vaccination", "route": "public"},
    Child: {"household_id": 1, "name": "王小满", "born": DAY},
    Policy: {
        "number": "YX1",
        "household_id": 1,
        "child_id": 1,
        "plan_id": 1,
        "valid_from": DAY,
        "valid_to": DAY,
    },
    BenefitUse: {"policy_id": 1, "benefit": "vaccine", "used": 0},
    Hospital: {
        "name": "示例医院",
        "kind": "public",
        "city": "上海",
        "address": "",
        "hours": "",
        "phone": "",
        "introduction": "",
    },
    HospitalAlias: {"hospital_id": 1, "alias": "示例"},
    HospitalDepartment: {"hospital_id": 1, "name": "儿科"},
    ChatIdentity: {"channel": "rest", "account": "a", "current_policy_id": 1},
    Binding: {"identity_id": 1, "household_id": 1, "verified_at": NOW},
    Visit: {
        "policy_id": 1,
        "hospital_id": 1,
        "department": "儿科",
        "visited_on": DAY,
        "total": 1,
        "insurer_paid": 1,
    },
    Appointment: {
        "reference": "A1",
        "policy_id": 1,
        "hospital_id": 1,
        "department": "儿科",
        "visit_at": NOW,
        "requested_at": NOW,
        "idempotency_key": "k",
    },
    Claim: {
        "reference": "C1",
        "policy_id": 1,
        "kind": "public_outpatient",
        "amount": Decimal("0.01"),
        "opened_at": NOW,
        "idempotency_key": "k",
    },
    ClaimEvent: {"claim_id": 1, "at": NOW, "actor": "a", "status": "submitted"},
    ClaimRequirement: {"claim_id": 1, "document": "invoice"},
    DocumentReference: {
        "claim_id": 1,
        "identity_id": 1,
        "document": "invoice",
        "media_type": "image/png",
        "size": 1,
        "sha256": "0" * 64,
        "storage_key": "k",
        "received_at": NOW,
    },
    DocumentLabel: {"file_id": 1, "document": "medical_record"},
    Authorization: {
        "reference": "P1",
        "policy_id": 1,
        "treatment": "手术",
        "treatment_on": DAY,
        "submitted_at": NOW,
        "idempotency_key": "k",
    },
    AuthorizationPaper: {
        "authorization_id": 1,
        "paper": "medical_record",
        "requested_at": NOW,
    },
    AuthorizationEvent: {"authorization_id": 1, "at": NOW, "actor": "a", "kind": "submitted"},
    ConsultationRequest: {
        "reference": "T1",
        "policy_id": 1,
        "kind": "phone",
        "requested_at": NOW,
        "due_at": NOW,
        "idempotency_key": "k",
    },
    ServiceRequest: {
        "reference": "R1",
        "policy_id": 1,
        "kind": "onsite",
        "requested_at": NOW,
        "idempotency_key": "k",
    },
    Lecture: {
        "reference": "L1",
        "topic": "outbreaks",
        "title": "流感",
        "speaker": "示例",
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=1),
        "seats": 1,
    },
    LectureRegistration: {"lecture_id": 1, "identity_id": 1, "registered_at": NOW},
    SelfPayBill: {
        "reference": "S1",
        "policy_id": 1,
        "hospital_id": 1,
        "visited_on": DAY,
        "amount": Decimal("0.01"),
    },
    Payment: {
        "reference": "Z1",
        "bill_id": 1,
        "identity_id": 1,
        "amount": Decimal("0.01"),
        "created_at": NOW,
        "expires_at": NOW,
    },
    OneTimeCode: {
        "identity_id": 1,
        "household_id": 1,
        "child_id": 1,
        "phone": "13900000001",
        "code_hash": "0" * 64,
        "created_at": NOW,
    },
    VerificationLock: {"subject_kind": "phone", "subject": "1", "last_failure_at": NOW},
    Complaint: {"reference": "F1", "identity_id": 1, "text": "慢", "received_at": NOW},
    ComplaintNote: {"complaint_id": 1, "text": "还是慢", "added_at": NOW},
    DataRequest: {
        "reference": "D1",
        "identity_id": 1,
        "kind": "export",
        "requested_at": NOW,
        "idempotency_key": "once",
        "storage_key": "a",
    },
    ApiKey: {"name": "core", "prefix": "p", "hash": "0" * 64, "scopes": [], "created_at": NOW},
    ApiRequest: {
        "api_key_id": 1,
        "idempotency_key": "k",
        "fingerprint": "0" * 64,
        "owner": "o",
        "lease_until": NOW,
        "expires_at": NOW,
    },
    WebhookEndpoint: {
        "reference": "W1",
        "api_key_id": 1,
        "url": "https://example.com",
        "events": [],
        "secret": "s",
        "created_at": NOW,
    },
    WebhookEvent: {"reference": "evt_1", "kind": "payment.paid", "at": NOW, "data": {}},
    WebhookDelivery: {"event_id": 1, "endpoint_id": 1, "next_at": NOW},
    HandOff: {"identity_id": 1, "reason": "asked", "requested_at": NOW, "open_key": "1"},
    HandOffEvent: {
        "handoff_id": 1,
        "at": NOW,
        "actor": "agent:1",
        "from_status": "bot",
        "to_status": "requested",
    },
    HandOffMessage: {
        "handoff_id": 1,
        "seq": 1,
        "direction": "parent",
        "author": "identity:1",
        "at": NOW,
        "idempotency_key": "once",
        "storage_key": "a",
        "media_type": "image/png",
    },
    AgentPresence: {"agent_id": 1, "name": "陈", "last_seen": NOW, "idle_since": NOW},
    OfficeHours: {"day_kind": 0, "opens": 480, "closes": 1260},
    OfficeException: {"day": DAY, "opens": 480, "closes": 720},
    CannedReply: {"code": "hello", "text": "您好"},
    InboundUpdate: {
        "channel": "rest",
        "update_id": "1",
        "account": "a",
        "payload": {"text": "你好"},
        "said_at": NOW,
        "received_at": NOW,
    },
    OutboxMessage: {
        "identity_id": 1,
        "kind": "text",
        "payload": {"text": "你好"},
        "due_at": NOW,
        "idempotency_key": "k",
    },
    ChatMessage: {
        "identity_id": 1,
        "direction": "out",
        "payload": {"text": "你好"},
        "at": NOW,
        "outbox_id": 1,
    },
    NotificationSetting: {
        "identity_id": 1,
        "kind": "claim_paid",
        "muted": True,
        "changed_at": NOW,
    },
    AuditEntry: {"at": NOW, "actor": "a", "action": "b", "subject": "c"},
    Conversation: {"sender_id": "rest:a", "state": {"slots": {}}, "updated_at": NOW},
    ConversationEvent: {"sender_id": "rest:a", "at": NOW, "type_name": "user", "data": {}},
}

# Inserted after the rows above, with this change to the same table's valid row, it is refused.
REFUSED = [
    (StaffUser, {}),
    (StaffUser, {"login": "zhou", "role": "king"}),
    (StaffSession, {}),
    (StaffSession, {"token_hash": "c" * 64, "user_id": 99}),
    (SignInFailure, {}),
    (SignInFailure, {"login_hash": "d" * 64, "failures": 0}),
    (Household, {}),
    (Plan, {}),
    (PlanBenefit, {}),
    (PlanBenefit, {"benefit": "dental"}),
    (PlanBenefit, {"benefit": "outpatient", "unit": "USD"}),
    (PlanBenefit, {"benefit": "outpatient", "limit_value": Decimal("-0.01")}),
    (PlanBenefit, {"benefit": "outpatient", "plan_id": 99}),
    (PlanRoute, {}),
    (PlanRoute, {"route": "abroad"}),
    (PlanRoute, {"service": "massage"}),
    (Child, {"household_id": 99}),
    (Child, {"name": None}),
    (Policy, {}),
    (Policy, {"number": "YX2", "valid_to": DAY - timedelta(days=1)}),
    (Policy, {"number": "YX2", "household_id": 99}),
    (Policy, {"number": "YX2", "child_id": 99}),
    (Policy, {"number": "YX2", "plan_id": 99}),
    (BenefitUse, {}),
    (BenefitUse, {"benefit": "outpatient", "used": Decimal("-0.01")}),
    (BenefitUse, {"benefit": "dental"}),
    (BenefitUse, {"benefit": "outpatient", "policy_id": 99}),
    (Hospital, {}),
    (Hospital, {"name": "另一家", "kind": "private"}),
    (HospitalAlias, {}),
    (HospitalAlias, {"alias": "另一个", "hospital_id": 99}),
    (HospitalDepartment, {}),
    (ChatIdentity, {}),
    (ChatIdentity, {"account": "b", "current_policy_id": 99}),
    (Binding, {}),
    (Binding, {"identity_id": 99}),
    (Binding, {"household_id": 99}),
    (Visit, {"hospital_id": 99}),
    (Visit, {"total": Decimal("-0.01")}),
    (Visit, {"insurer_paid": Decimal("-0.01")}),
    (Visit, {"self_pay": Decimal("-0.01")}),
    (Appointment, {"idempotency_key": "other"}),
    (Appointment, {"reference": "A2"}),
    (Appointment, {"reference": "A2", "idempotency_key": None, "status": "maybe"}),
    (Appointment, {"reference": "A2", "idempotency_key": None, "policy_id": 99}),
    (Appointment, {"reference": "A2", "idempotency_key": None, "decline_reason": "满了"}),
    (Appointment, {"reference": "A2", "idempotency_key": None, "proposed_at": NOW}),
    (Appointment, {"reference": "A2", "idempotency_key": None, "requested_by_id": 99}),
    (Claim, {"idempotency_key": "other"}),
    (Claim, {"reference": "C2"}),
    (Claim, {"reference": "C2", "idempotency_key": None, "amount": 0}),
    (Claim, {"reference": "C2", "idempotency_key": None, "kind": "network_clinic"}),
    (Claim, {"reference": "C2", "idempotency_key": None, "status": "lost"}),
    (Claim, {"reference": "C2", "idempotency_key": None, "hospital_id": 99}),
    *(
        (Claim, {"reference": "C2", "idempotency_key": None, **wrong})
        for wrong in (
            {"approved_amount": Decimal("-0.01")},
            {"approved_amount": Decimal("9999999")},
            {"counted_amount": Decimal("-0.01")},
            {"counted_amount": Decimal("9999999")},
            {"bank_tail": "1234"},
            {"bank_account": "sealed"},
        )
    ),
    (ClaimEvent, {"status": "lost"}),
    (ClaimEvent, {"previous": "lost"}),
    (ClaimEvent, {"previous": "submitted"}),
    (ClaimEvent, {"status": "rejected"}),
    (ClaimEvent, {"claim_id": 99}),
    (ClaimRequirement, {}),
    (ClaimRequirement, {"document": "selfie"}),
    (DocumentReference, {"storage_key": "other"}),
    (DocumentReference, {"sha256": "1" * 64}),
    (DocumentReference, {"sha256": "1" * 64, "storage_key": "other", "size": 0}),
    (DocumentReference, {"sha256": "1" * 64, "storage_key": "other", "document": "selfie"}),
    (DocumentReference, {"sha256": "1" * 64, "storage_key": "other", "status": "eaten"}),
    (DocumentReference, {"sha256": "1" * 64, "storage_key": "other", "question": "ugly"}),
    (DocumentReference, {"sha256": "1" * 64, "storage_key": "other", "suggested": "selfie"}),
    (DocumentReference, {"sha256": "1" * 64, "storage_key": "other", "authorization_id": 1}),
    (DocumentLabel, {}),
    (DocumentLabel, {"document": "selfie"}),
    (Authorization, {"idempotency_key": "other"}),
    (Authorization, {"reference": "P2"}),
    (Authorization, {"reference": "P2", "idempotency_key": None, "status": "maybe"}),
    (Authorization, {"reference": "P2", "idempotency_key": None, "estimated_amount": 0}),
    (AuthorizationPaper, {}),
    (AuthorizationPaper, {"paper": "selfie"}),
    (AuthorizationPaper, {"paper": "cost_estimate", "authorization_id": 99}),
    (AuthorizationEvent, {"kind": "forgotten"}),
    (AuthorizationEvent, {"authorization_id": 99}),
    (ConsultationRequest, {"reference": "T2"}),
    (ConsultationRequest, {"reference": "T2", "idempotency_key": None, "kind": "fax"}),
    (ConsultationRequest, {"reference": "T2", "idempotency_key": None, "status": "maybe"}),
    (ServiceRequest, {"reference": "R2"}),
    (ServiceRequest, {"reference": "R2", "idempotency_key": None, "kind": "magic"}),
    (ServiceRequest, {"reference": "R2", "idempotency_key": None, "status": "maybe"}),
    (Lecture, {}),
    (Lecture, {"reference": "L2", "seats": 0}),
    (Lecture, {"reference": "L2", "ends_at": NOW}),
    (Lecture, {"reference": "L2", "topic": "wine"}),
    (LectureRegistration, {}),
    (SelfPayBill, {}),
    (SelfPayBill, {"reference": "S2", "amount": 0}),
    (SelfPayBill, {"reference": "S2", "status": "forgotten"}),
    (Payment, {}),
    (Payment, {"reference": "Z2", "amount": 0}),
    (Payment, {"reference": "Z2", "status": "maybe"}),
    (OneTimeCode, {"tries": -1}),
    (OneTimeCode, {"child_id": 99}),
    (VerificationLock, {}),
    (VerificationLock, {"subject_kind": "mood"}),
    (Complaint, {}),
    (Complaint, {"reference": "F2", "status": "ignored"}),
    (Complaint, {"reference": "F2", "kind": "praise"}),
    (ComplaintNote, {"complaint_id": 99}),
    (DataRequest, {}),
    (DataRequest, {"reference": "D2", "idempotency_key": None}),
    (DataRequest, {"reference": "D2", "idempotency_key": None, "storage_key": "b", "kind": "x"}),
    (DataRequest, {"reference": "D2", "idempotency_key": None, "storage_key": "b", "status": "x"}),
    (DataRequest, {"reference": "D2", "idempotency_key": None, "kind": "erasure"}),
    (DataRequest, {"reference": "D2", "storage_key": "b"}),
    (ApiKey, {}),
    (ApiKey, {"name": "other"}),
    (ApiKey, {"name": "other", "prefix": "q", "hash": "0"}),
    (ApiKey, {"name": "other", "prefix": "q", "expires_at": NOW}),
    (ApiRequest, {}),
    (ApiRequest, {"idempotency_key": "l", "status": 200}),
    (ApiRequest, {"idempotency_key": "l", "status": 500, "answer": "a"}),
    (ApiRequest, {"idempotency_key": "l", "api_key_id": 99}),
    (WebhookEndpoint, {}),
    (WebhookEvent, {}),
    (WebhookDelivery, {}),
    (WebhookDelivery, {"endpoint_id": 99}),
    (HandOff, {"reason": "bored"}),
    (HandOff, {"status": "lost"}),
    (HandOff, {}),
    (HandOff, {"open_key": None, "reason": "bored"}),
    (HandOff, {"open_key": None, "status": "lost"}),
    (HandOff, {"open_key": None, "end_reason": "tired"}),
    (HandOff, {"open_key": None, "wish": "fax"}),
    (HandOff, {"open_key": None, "wish": "call_back"}),
    (HandOff, {"open_key": None, "rating_step": "maybe"}),
    (HandOff, {"open_key": None, "rating": 0}),
    (HandOff, {"open_key": None, "rating": 6}),
    (HandOff, {"open_key": None, "priority": 3}),
    (HandOff, {"open_key": None, "takeovers": -1}),
    (HandOff, {"open_key": None, "status": "human"}),
    (HandOff, {"open_key": None, "status": "snoozed", "agent_id": 1}),
    (HandOff, {"open_key": "2", "status": "resolved"}),
    (HandOffEvent, {"from_status": "lost"}),
    (HandOffEvent, {"to_status": "bot"}),
    (HandOffEvent, {"handoff_id": 99}),
    (HandOffMessage, {"storage_key": None, "idempotency_key": None}),
    (HandOffMessage, {"seq": 2, "storage_key": None}),
    (HandOffMessage, {"seq": 2, "idempotency_key": None}),
    (HandOffMessage, {"seq": 0, "storage_key": None, "idempotency_key": None}),
    (HandOffMessage, {"seq": 2, "storage_key": None, "idempotency_key": None, "size": 0}),
    (HandOffMessage, {"seq": 2, "storage_key": "b", "idempotency_key": None, "media_type": None}),
    (HandOffMessage, {"seq": 2, "storage_key": "b", "idempotency_key": None, "direction": "x"}),
    (HandOffMessage, {"seq": 2, "storage_key": "b", "idempotency_key": None, "document_id": 99}),
    (AgentPresence, {}),
    (AgentPresence, {"agent_id": 2, "status": "asleep"}),
    (AgentPresence, {"agent_id": 2, "capacity": -1}),
    (OfficeHours, {}),
    (OfficeHours, {"day_kind": 9}),
    (OfficeHours, {"day_kind": 1, "closes": 480}),
    (OfficeHours, {"day_kind": 1, "closes": 1441}),
    (OfficeException, {}),
    (OfficeException, {"opens": 800}),
    (OfficeException, {"opens": None}),
    (CannedReply, {}),
    (CannedReply, {"code": "bye", "text": ""}),
    (InboundUpdate, {}),
    (InboundUpdate, {"update_id": "2", "status": "lost"}),
    (InboundUpdate, {"update_id": "2", "kind": "smell"}),
    (InboundUpdate, {"update_id": "2", "attempts": -1}),
    (OutboxMessage, {}),
    (OutboxMessage, {"idempotency_key": None, "attempts": -1}),
    (OutboxMessage, {"idempotency_key": None, "status": "lost"}),
    (OutboxMessage, {"idempotency_key": None, "identity_id": 99}),
    (OutboxMessage, {"idempotency_key": None, "policy_id": 99}),
    (OutboxMessage, {"idempotency_key": None, "status": "sending"}),
    (OutboxMessage, {"idempotency_key": None, "status": "dropped"}),
    (ChatMessage, {}),
    (ChatMessage, {"outbox_id": None, "direction": "sideways"}),
    (ChatMessage, {"outbox_id": 1, "direction": "in"}),
    (ChatMessage, {"outbox_id": None, "identity_id": 99}),
    (NotificationSetting, {}),
    (NotificationSetting, {"kind": ""}),
    (NotificationSetting, {"kind": "claim_settled", "identity_id": 99}),
    (Conversation, {}),
]


def insert_all(store: Store) -> None:
    for table, row in VALID.items():
        with store.begin() as session:
            session.add(table(**row))


def test_every_table_takes_a_valid_row(any_store: Store) -> None:
    assert {table.__table__.name for table in VALID} == set(Base.metadata.tables)
    insert_all(any_store)
    with any_store.begin() as session:
        for table in VALID:
            assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 1


def test_what_is_refused(any_store: Store) -> None:
    insert_all(any_store)
    accepted = []
    for table, change in REFUSED:
        try:
            with any_store.begin() as session:
                session.add(table(**VALID[table] | change))
        except IntegrityError:
            continue
        accepted.append((table.__name__, change))
    assert accepted == []


def test_every_check_and_unique_constraint_is_tried() -> None:
    tried = {table for table, _ in REFUSED}
    constrained = {
        table
        for table in VALID
        for constraint in table.__table__.constraints
        if isinstance(constraint, sa.CheckConstraint | sa.UniqueConstraint)
    }
    assert constrained <= tried


@pytest.mark.parametrize("table", [Household, Child, Plan, Policy, Hospital, ChatIdentity, Claim])
def test_what_is_referred_to_stays(any_store: Store, table: type[Any]) -> None:
    insert_all(any_store)
    with pytest.raises(IntegrityError), any_store.begin() as session:
        session.execute(sa.delete(table))


def test_defaults(any_store: Store) -> None:
    insert_all(any_store)

    def one(table: type[Any]) -> Any:
        with any_store.begin() as session:
            return session.scalars(sa.select(table)).one()

    assert (one(Appointment).status, one(Appointment).urgent) == ("requested", False)
    assert (one(Claim).status, one(Claim).hospital_id) == ("draft", None)
    assert one(Visit).self_pay == Decimal(0)
    assert one(OutboxMessage).payload == {"text": "你好"}
    assert one(AuditEntry).detail == {}
    assert one(Policy).version == 1
    assert one(ChatIdentity).created_at.tzinfo is not None


def test_version_counts_changes(any_store: Store) -> None:
    insert_all(any_store)
    query = sa.select(Policy)
    for version, brand in enumerate(["青禾", "和晴", None], start=1):
        with any_store.begin() as session:
            policy = session.scalars(query).one()
            assert policy.version == version
            policy.clinic_brand = brand
