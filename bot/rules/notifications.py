"""The kinds of messages that the bot sends without being asked."""

from enum import StrEnum


class NotificationKind(StrEnum):
    """What a message tells; a parent can mute each kind, and nothing else."""

    APPOINTMENT_CONFIRMED = "appointment_confirmed"
    APPOINTMENT_CHANGED = "appointment_changed"
    APPOINTMENT_DECLINED = "appointment_declined"
    CANCELLATION_DEADLINE = "cancellation_deadline"
    AUTHORIZATION_DECIDED = "authorization_decided"
    AUTHORIZATION_NEEDS_PAPERS = "authorization_needs_papers"
    CLAIM_NEEDS_PAPERS = "claim_needs_papers"
    CLAIM_SETTLED = "claim_settled"
    CLAIM_PAID = "claim_paid"
    SELF_PAY_DUE = "self_pay_due"
    SELF_PAY_PAID = "self_pay_paid"
    CALL_BACK_DONE = "call_back_done"
    CALL_BACK_OVERDUE = "call_back_overdue"
    SERVICE_ARRANGED = "service_arranged"
    COMPLAINT_ANSWERED = "complaint_answered"
