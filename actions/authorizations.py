"""Prior authorization: what needs it, until when, how it stands (手册·事先授权 P1–P3)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions import authorization_answers as answers
from actions import texts
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.rules.authorizations import (
    Ground,
    authorization_deadline,
    is_late,
    needs_authorization,
    passes_period_total,
    provisional_years,
)
from bot.rules.calendar import local_day
from bot.rules.hospitals import HospitalKind
from bot.rules.treatments import Treatment
from bot.services import authorizations
from bot.services import hospitals as directory
from bot.services.authorizations import AuthorizationView

ASKS_WHEN = re.compile(
    r"来得及|来不来得及|赶趟|赶得上|最晚|最迟|哪天|几号|什么时候|啥时候|之前(?:交|提交|申请)|周几|提前几天|晚了"
)
ASKS_NEED = re.compile(
    r"要不要|用不用|需不需要|需要|要.{0,6}(?:授权|批).{0,3}(?:吗|么|不|吧|呢)|用.{0,6}授权.{0,3}(?:吗|么|不)"
)
# What else of the rules a question may be about; the manual answers only some of it.
ASPECTS: dict[str, re.Pattern[str]] = {
    "without": re.compile(
        r"(?:没有?|没办|没做|未|不)(?:事先|提前)?(?:申请|授权|批|经过授权|办授权)[^?？]{0,12}"
        r"(?:怎样|怎么办|咋样|咋办|后果|报不|还给报|能报|赔不|给赔|就做了|就住院了|就手术了)|忘(?:了|记)[^,，]{0,4}(?:申请|授权)"
    ),
    "emergency": re.compile(r"急诊|突发|抢救|半夜|紧急"),
    "how_long": re.compile(
        r"(?:多久|几天|多长时间)[^,，?？]{0,6}(?:批|下来|有结果|出结果|审完)|批[^,，]{0,4}多久"
    ),
    "who": re.compile(
        r"谁(?:来|去)?(?:提交|申请|办|弄|交)|(?:我|自己|自个儿?|家长)[^,，?？]{0,6}还是[^,，?？]{0,4}医院|"
        r"医院[^,，?？]{0,6}还是[^,，?？]{0,4}(?:我|自己|自个儿?|家长)"
    ),
    "workdays": re.compile(
        r"工作日[^,，]{0,6}(?:怎么|如何|算)|(?:周末|放假|节假日|假期)[^,，]{0,10}算"
    ),
    "papers": re.compile(r"材料|准备(?:什么|啥|哪些)|带什么|资料"),
    "again": re.compile(
        r"每次[^,，。?？]{0,6}(?:要|得|需|用|申请|报|办|交|提|走)|一次管|有效期|管多久"
    ),
}
# These are the whole answer; the others come with that for the treatment named.
ALONE = frozenset({"without", "emergency"})
ASKS_LETTER = re.compile(r"担保函|保函|旦保函|单保函|担保涵|的函|那张函|guarantee letter", re.I)
NOT_KEPT = re.compile(
    r"批准的?(?:金额|额度)|批了多少|金额是多少|有效期|有效到|批的几天|批的?是?几天"
)


class ActionAskAuthorizationRules(ServiceAction):
    """Tells whether a treatment needs prior authorization, why, and until when (P1 to P3)."""

    action_name = answers.RULES_ACTION

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the treatment, place, cost and day named, else tell the rules."""
        if answers.change_wanted(turn):
            return [FollowupAction(answers.CHANGE_ACTION)]
        said = answers.treatment_in(turn)
        day = answers.certain_day(turn)
        if day is None and turn.form == "auth_form" and turn.slot("auth_date"):
            day = date.fromisoformat(turn.slot("auth_date"))
        if not _say_place(turn, said):
            _say_rules(turn, said, day)
        return [*_remembered(turn, said, day), *resume(turn)]


def _say_place(turn: Turn, said: Treatment) -> bool:
    """Answer by the place where it bills nothing directly (P3); tell whether it was said."""
    named = answers.hospital_in(turn, asked=False)
    known = directory.hospitals(turn.store)
    place = next((h for h in known if named and h.name == named[0]), None)
    if place is not None and place.kind == HospitalKind.PUBLIC:
        turn.say("authorization_pay_first", hospital=place.name)
        return True
    if place is None and answers.ORDINARY_PLACE.search(turn.text):
        turn.say("authorization_pay_first", hospital=texts.line("authorization_ordinary_public"))
        return True
    seen = answers.policy_known(turn)
    if seen is not None and not seen.direct_billing and said.words:
        turn.say("authorization_no_direct_billing", child=seen.child, plan=seen.plan)
        return True
    if seen is not None and place is not None and place.kind not in seen.direct_billing:
        turn.say("authorization_not_in_plan", hospital=place.name, plan=seen.plan)
        return True
    return False


def _say_rules(turn: Turn, said: Treatment, day: date | None) -> None:
    aspects = [name for name, words in ASPECTS.items() if words.search(turn.text)][:2]
    asked_when = ASKS_WHEN.search(turn.text) is not None
    concrete = bool(said.words or needs_authorization(said.case).grounds or _costs(said))
    if ALONE & set(aspects):
        aspects = [name for name in aspects if name in ALONE]
        concrete = False
    elif aspects and not ASKS_NEED.search(turn.text):
        concrete = False
    over = day is not None and day < local_day(turn.now)
    if day is not None and (asked_when or over):
        say_deadline(turn, day)
    if concrete and not over:
        _say_need(turn, said, dated=day is not None)
    if day is not None and not asked_when and not over:
        say_deadline(turn, day)
    for name in aspects:
        turn.say(f"authorization_about_{name}")
    if not concrete and not aspects and day is None:
        entity = turn.entity("treatment")
        if entity is not None:
            turn.say("authorization_unlisted", treatment=entity)
        else:
            turn.say("authorization_rules")


def _costs(said: Treatment) -> bool:
    case = said.case
    return case.single_item_amount is not None or case.expected_total_in_period is not None


def _say_need(turn: Turn, said: Treatment, *, dated: bool) -> None:
    need = needs_authorization(said.case)
    case = said.case
    treatment = _called(turn, said)
    if need.required:
        why = texts.line("and").join(
            texts.word("authorization_ground", ground.value)
            for ground in need.grounds
            if not (
                ground is Ground.SURGERY and Ground.OUTPATIENT_GENERAL_ANAESTHESIA in need.grounds
            )
        )
        if not treatment:
            # Of an amount alone, the amount is what is told.
            turn.say("authorization_by_amount", reason=why)
        else:
            turn.say(
                "authorization_needed_dated" if dated else "authorization_needed",
                treatment=treatment,
                reason=why,
            )
        return
    seen = answers.policy_known(turn)
    used = answers.used_so_far(seen) if seen is not None else None
    if seen is not None and used is not None and passes_period_total(used):
        turn.say("authorization_period_used", child=seen.child, amount=texts.yuan(used))
        return
    single, total = case.single_item_amount, case.expected_total_in_period
    if said.undefined:
        turn.say("authorization_unlisted", treatment=treatment)
    elif said.ordinary:
        turn.say("authorization_not_listed", treatment=treatment)
    elif single is not None:
        turn.say("authorization_below", amount=texts.yuan(single))
    if total is not None:
        turn.say("authorization_sum", amount=texts.yuan(total))


def _called(turn: Turn, said: Treatment) -> str:
    """Return what to call the treatment: its usual name, or the parent's own words."""
    usual = {
        turn.text[e["start"] : e["end"]]: str(e["value"])
        for e in turn.entities("treatment")
        if "start" in e and turn.text[e["start"] : e["end"]] in said.words
    }
    if len(said.words) == 1 and len(usual) == 1:
        return next(iter(usual.values()))
    words = [w for w in said.words if not any(w != other and w in other for other in said.words)]
    return texts.line("and").join(words)


def say_deadline(turn: Turn, day: date) -> None:
    """Tell until when to apply for a local day of treatment, and whether that is over (P1)."""
    today = turn.now.date()
    told = texts.day(day, today)
    if day < today:
        turn.say("authorization_day_over", day=told)
        return
    late = is_late(day, turn.now)
    turn.say(
        "authorization_late" if late else "authorization_deadline",
        day=told,
        deadline=texts.moment(authorization_deadline(day), turn.now),
    )
    say_provisional(turn, provisional_years(day))


def say_provisional(turn: Turn, years: tuple[int, ...]) -> None:
    """Say that holidays which are not decreed yet may move the deadline."""
    if years:
        turn.say("authorization_provisional", years=texts.line("and").join(map(str, years)))


def _remembered(turn: Turn, said: Treatment, day: date | None) -> list[Event]:
    """Keep what a question named, so that whoever then applies need not say it again."""
    words = answers.treatment_words(turn)
    if turn.form is not None or words is None or said.ordinary:
        return []
    events: list[Event] = [SlotSet("auth_treatment", words)]
    place = answers.hospital_in(turn, asked=False)
    listed = {h.name for h in directory.hospitals(turn.store) if h.kind != HospitalKind.PUBLIC}
    events.append(SlotSet("auth_hospital", place[0] if place and place[0] in listed else None))
    future = day is not None and day >= local_day(turn.now)
    events.append(SlotSet("auth_date", day.isoformat() if day is not None and future else None))
    single = said.case.single_item_amount
    return [*events, SlotSet("auth_amount", str(single) if single is not None else None)]


class ActionCheckAuthorization(ServiceAction):
    """Tells how prior authorizations stand, and what comes next (E2)."""

    action_name = "action_check_prior_authorization"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell of the one that is meant in full, of several a line each."""
        if answers.change_wanted(turn):
            return [FollowupAction(answers.CHANGE_ACTION)]
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        known = authorizations.authorizations(turn.store, identity_id=turn.identity.id)
        reference = turn.entity("reference")
        meant = answers.mentioned(turn, known)
        if reference and not meant:
            turn.say("authorization_unknown", reference=str(reference).upper())
            meant = known
        if meant:
            _say_standing(turn, meant)
        elif not reference:
            turn.say("no_authorizations")
        return [SlotSet("pending_task", None), *resume(turn)]


def _say_standing(turn: Turn, meant: list[AuthorizationView]) -> None:
    if NOT_KEPT.search(turn.text):
        turn.say("authorization_not_kept")
    if len(meant) > 1:
        turn.say("authorizations", lines="\n".join(line_of(turn, a) for a in meant))
        return
    only = meant[0]
    lines = "\n".join(_details(turn, only))
    if only.status in ("declined", "withdrawn"):
        turn.say("authorization_ended", lines=lines)
    elif only.status == "approved":
        turn.say("authorization_approved", lines=lines)
    else:
        turn.say("authorization_open", lines=lines)


def line_of(turn: Turn, seen: AuthorizationView) -> str:
    """Return an authorization in a line."""
    return texts.line("authorization", **_told(turn, seen))


def _told(turn: Turn, seen: AuthorizationView) -> dict[str, Any]:
    return {
        "reference": seen.reference,
        "child": seen.child,
        "treatment": seen.treatment,
        "hospital": seen.hospital or "",
        "day": texts.day(seen.treatment_on, turn.now.date()),
        "status": status_of(turn, seen),
    }


def status_of(turn: Turn, seen: AuthorizationView) -> str:
    """Return the state in a parent's words; of what is approved, whether the letter has gone."""
    if seen.status == "approved" and seen.guarantee_letter_at is not None:
        moment = texts.moment(seen.guarantee_letter_at, turn.now)
        return texts.line("authorization_letter_sent", moment=moment)
    return texts.word("authorization_status", seen.status)


def _details(turn: Turn, seen: AuthorizationView) -> list[str]:
    lines = [texts.line("authorization_state", **_told(turn, seen))]
    if ASKS_LETTER.search(turn.text) and seen.status != "approved":
        lines.append(texts.line("authorization_no_letter_yet"))
    if seen.missing and seen.status == "documents_missing":
        papers = texts.line("and").join(texts.word("authorization_paper", p) for p in seen.missing)
        lines.append(texts.line("authorization_missing", papers=papers))
    if seen.reason:
        lines.append(texts.line("authorization_reason", reason=seen.reason))
    place = texts.line("authorization_place", **_told(turn, seen))
    if seen.estimated_amount is not None:
        amount = texts.yuan(seen.estimated_amount)
        place += texts.line("authorization_estimate", amount=amount)
    lines.append(place)
    lines.append(_history(turn, seen))
    policy = answers.overview_of(turn, seen.number)
    if policy.unpaid and not seen.ended:
        lines.append(texts.line("authorization_grey"))
    lines.append(_next_step(turn, seen))
    return lines


def _history(turn: Turn, seen: AuthorizationView) -> str:
    steps = []
    if not any(e.kind == "submitted" for e in seen.events):
        # Taken over from elsewhere, without a history of its own.
        moment = texts.moment(seen.submitted_at, turn.now)
        steps.append(texts.line("authorization_event_submitted", moment=moment))
    for event in seen.events:
        moment = texts.moment(event.at, turn.now)
        steps.append(texts.line(f"authorization_event_{event.kind}", moment=moment))
    return texts.line("authorization_history", lines=texts.line("semicolon").join(steps))


def _next_step(turn: Turn, seen: AuthorizationView) -> str:
    undecided = seen.status not in ("approved", "declined", "withdrawn", "draft")
    if undecided and seen.treatment_on < turn.now.date():
        return texts.line("authorization_next_over")
    if undecided and seen.status != "documents_missing" and is_late(seen.treatment_on, turn.now):
        return texts.line("authorization_next_urgent")
    if seen.status == "approved" and seen.guarantee_letter_at is not None:
        return texts.line("authorization_next_letter")
    return texts.word("authorization_next", seen.status)
