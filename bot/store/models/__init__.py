"""Tables. FHIR's names where it has one, the manual's terms elsewhere."""

from bot.store.models.account import DATA_REQUEST_KINDS, DATA_REQUEST_STATES, DataRequest
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
from bot.store.models.desk import (
    COMPLAINT_KINDS,
    COMPLAINT_STATES,
    HANDOFF_REASONS,
    HANDOFF_STATES,
    Complaint,
    ComplaintNote,
    HandOff,
)
from bot.store.models.hospitals import HOSPITAL_KINDS, Hospital, HospitalAlias, HospitalDepartment
from bot.store.models.messages import InboundUpdate, OutboxMessage
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
    "COMPLAINT_KINDS",
    "COMPLAINT_STATES",
    "DATA_REQUEST_KINDS",
    "DATA_REQUEST_STATES",
    "DOCUMENT_KINDS",
    "HANDOFF_REASONS",
    "HANDOFF_STATES",
    "HOSPITAL_KINDS",
    "Appointment",
    "AuditEntry",
    "Authorization",
    "Base",
    "BenefitUse",
    "Binding",
    "ChatIdentity",
    "Child",
    "Claim",
    "ClaimRequirement",
    "Complaint",
    "ComplaintNote",
    "ConsultationRequest",
    "Conversation",
    "ConversationEvent",
    "DataRequest",
    "DocumentReference",
    "HandOff",
    "Hospital",
    "HospitalAlias",
    "HospitalDepartment",
    "Household",
    "InboundUpdate",
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
