"""Which part of the code implements which rule of the manual."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.rules import authorizations, benefits, claims, consultations, hospitals, visits

_MEDICAL = "手册·医疗服务"
_CARD = "手册·电子保险卡"
_AUTHORIZATION = "手册·事先授权"
_VISIT = "手册·就医流程"
_CLAIM = "手册·理赔流程"
_VACCINE = "手册·疫苗责任"


@dataclass(frozen=True)
class Rule:
    """One rule: its id, the manual's section, and the callables and tables that implement it."""

    rule_id: str
    section: str
    parts: tuple[object, ...]


def _table(*rules: Rule) -> Mapping[str, Rule]:
    return MappingProxyType({rule.rule_id: rule for rule in rules})


RULES: Mapping[str, Rule] = _table(
    Rule("M1", _MEDICAL, (consultations.phone_consultation, consultations.service_open)),
    Rule("M2", _MEDICAL, (consultations.service_open, consultations.SERVICE_HOURS)),
    Rule("M3", _MEDICAL, (consultations.service_open, consultations.SERVICE_HOURS)),
    Rule("M4", _MEDICAL, (consultations.service_open, consultations.SERVICE_HOURS)),
    Rule("M5", _MEDICAL, (consultations.LECTURE_TOPICS,)),
    Rule(
        "M6",
        _MEDICAL,
        (consultations.onsite_assistance_available, consultations.ONSITE_HOSPITALS),
    ),
    Rule("M7", _MEDICAL, (consultations.counselling_allowed, consultations.COUNSELLING_DIAGNOSES)),
    Rule("M8", _MEDICAL, (consultations.HOTLINE, consultations.service_open)),
    Rule(
        "E1",
        _CARD,
        (benefits.normalise_child_name, benefits.same_child_name, benefits.normalise_phone),
    ),
    Rule("E2", _CARD, (benefits.E_CARD_SECTIONS, benefits.remaining)),
    Rule(
        "E3",
        _CARD,
        (benefits.self_pay_applies, benefits.card_status, benefits.direct_billing_allowed),
    ),
    Rule("P1", _AUTHORIZATION, (authorizations.authorization_deadline, authorizations.is_late)),
    Rule("P2", _AUTHORIZATION, (authorizations.needs_authorization,)),
    Rule("P3", _AUTHORIZATION, (authorizations.authorization_applies,)),
    Rule("V1", _VISIT, (visits.OUTPATIENT_STEPS, hospitals.bills_directly)),
    Rule(
        "V2",
        _VISIT,
        (
            hospitals.arrangement,
            visits.booking_due,
            visits.earliest_promised_day,
            visits.next_possible_day,
            visits.classify_wish,
        ),
    ),
    Rule("V3", _VISIT, (visits.cancellation_deadline, visits.is_late, visits.LATE_CONSEQUENCES)),
    Rule("V4", _VISIT, (visits.INPATIENT_STEPS,)),
    Rule("C1", _CLAIM, (claims.claim_route, claims.settlement_due, claims.payout_due)),
    Rule("C2", _CLAIM, (claims.claim_route, claims.settlement_due, claims.ORIGINALS_ADDRESS)),
    Rule("C3", _CLAIM, (claims.claim_route, claims.internet_submission_deadline)),
    Rule("C4", _CLAIM, (claims.claim_route, claims.settlement_due, claims.payout_due)),
    Rule("C5", _CLAIM, (claims.claim_route, claims.NotClaimableError)),
    Rule("C6", _CLAIM, (claims.document_checklist, claims.is_minor)),
    Rule("X1", _VACCINE, (benefits.remaining_checks, benefits.MAX_CHECKS)),
    Rule("X2", _VACCINE, (benefits.vaccine_covered, benefits.VACCINE_COVER)),
    Rule("X3", _VACCINE, (benefits.vaccination_options, benefits.public_vaccination_claimable)),
    Rule("X4", _VACCINE, (benefits.brand_allowed,)),
)
