"""Tables. FHIR's names where it has one, the manual's terms elsewhere."""

from bot.store.models.base import Base, utcnow
from bot.store.models.care import AUTHORIZATION_STATES, Authorization, ConsultationRequest
from bot.store.models.claims import (
    CLAIM_KINDS,
    CLAIM_STATES,
    DOCUMENT_KINDS,
    Claim,
    ClaimRequirement,
    DocumentReference,
)
from bot.store.models.coverage import (
    BENEFITS,
    BenefitUse,
    Plan,
    PlanBenefit,
    PlanRoute,
    Policy,
    SelfPayBill,
)
from bot.store.models.desk import HANDOFF_REASONS, HANDOFF_STATES, Complaint, HandOff
from bot.store.models.hospitals import HOSPITAL_KINDS, Hospital, HospitalAlias, HospitalDepartment
from bot.store.models.messages import (
    OUTBOX_STATES,
    ChatMessage,
    InboundUpdate,
    NotificationSetting,
    OutboxMessage,
)
from bot.store.models.people import (
    Binding,
    ChatIdentity,
    Child,
    Household,
    OneTimeCode,
    VerificationLock,
)
from bot.store.models.records import AuditEntry, Conversation, ConversationEvent
from bot.store.models.visits import APPOINTMENT_STATES, Appointment, Visit

__all__ = [
    "APPOINTMENT_STATES",
    "AUTHORIZATION_STATES",
    "BENEFITS",
    "CLAIM_KINDS",
    "CLAIM_STATES",
    "DOCUMENT_KINDS",
    "HANDOFF_REASONS",
    "HANDOFF_STATES",
    "HOSPITAL_KINDS",
    "OUTBOX_STATES",
    "Appointment",
    "AuditEntry",
    "Authorization",
    "Base",
    "BenefitUse",
    "Binding",
    "ChatIdentity",
    "ChatMessage",
    "Child",
    "Claim",
    "ClaimRequirement",
    "Complaint",
    "ConsultationRequest",
    "Conversation",
    "ConversationEvent",
    "DocumentReference",
    "HandOff",
    "Hospital",
    "HospitalAlias",
    "HospitalDepartment",
    "Household",
    "InboundUpdate",
    "NotificationSetting",
    "OneTimeCode",
    "OutboxMessage",
    "Plan",
    "PlanBenefit",
    "PlanRoute",
    "Policy",
    "SelfPayBill",
    "VerificationLock",
    "Visit",
    "utcnow",
]
