"""Past visits: by child, period, hospital and department, with their sums (E2, E3)."""

from __future__ import annotations

import re
from dataclasses import replace

from rasa_sdk.events import SlotSet

from actions import texts
from actions.policies import _OnPolicy
from actions.turn import Event, Turn, resume
from bot.rules.periods import Period, read_period
from bot.services import hospitals as directory
from bot.services import records as service
from bot.services.records import Records, VisitView

# More lines than this do not fit a phone's screen.
MOST = 8
LATEST = re.compile(r"上次|上回|上一次|最近(?:一次|那次|一回)|最后一次|刚(?:才|看)的?那次|最近一条")
EVERY_CHILD = re.compile(
    r"两个(?:娃|孩子|宝)|俩(?:娃|孩子)|几个(?:娃|孩子)|每个(?:娃|孩子)|分别|所有(?:娃|孩子)|都查|三个(?:娃|孩子)"
)


class ActionCheckVisitRecords(_OnPolicy):
    """Tells past visits, newest first, with what they cost whom."""

    action_name = "action_check_visit_records"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for every child where that is asked, else as for any policy."""
        children = {choice.child: choice.number for choice in turn.choices}
        if len(children) < 2 or not EVERY_CHILD.search(turn.text) or turn.child_named():
            return super().handle(turn)
        for number in children.values():
            self.answer(turn, number)
        return [SlotSet("pending_task", None), *resume(turn)]

    def answer(self, turn: Turn, number: str) -> None:
        """List what fits the question; if nothing does, say what there is."""
        period = _period(turn)
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(turn.text, known)
        departments = dict.fromkeys(d for h in known for d in h.departments)
        rest = turn.text.replace(turn.text[place.start : place.end], " ") if place else turn.text
        department = directory.match_department(rest, departments)
        found = service.visit_records(
            turn.store,
            identity_id=turn.identity.id,
            number=number,
            period=period,
            hospital=place.value if place else None,
            department=department.value if department else None,
        )
        if LATEST.search(turn.text) and found.visits:
            found = replace(found, visits=found.visits[:1], bills=())
        what = _what(turn, period, place.value if place else "", department)
        if found.visits or found.bills:
            _say(turn, found, what)
        elif found.latest is not None:
            turn.say("no_visits_then", child=found.child, what=what, line=_line(turn, found.latest))
        else:
            turn.say("no_visits", child=found.child)


def _period(turn: Turn) -> Period | None:
    period = read_period(turn.text, turn.now.date())
    if period is None and not LATEST.search(turn.text):
        day = turn.day(past=True)
        if day is not None and day <= turn.now.date():
            return Period(day, day)
    return period


def _what(
    turn: Turn, period: Period | None, hospital: str, department: directory.Match | None
) -> str:
    today = turn.now.date()
    when = ""
    if period is not None:
        first, last = texts.day(period.first, today), texts.day(period.last, today)
        when = first if first == last else texts.line("from_to", first=first, last=last)
    where = texts.line("at_hospital", hospital=hospital) if hospital else ""
    return f"{when}{where}{department.value if department else ''}"


def _say(turn: Turn, found: Records, what: str) -> None:
    lines = [_line(turn, visit) for visit in found.visits[:MOST]]
    if len(found.visits) > MOST:
        lines.append(texts.line("visits_more", count=len(found.visits) - MOST))
    today = turn.now.date()
    lines += [
        texts.line(
            "visit_bill",
            reference=bill.reference,
            day=texts.day(bill.visited_on, today),
            hospital=bill.hospital,
            amount=texts.yuan(bill.amount),
            status=texts.word("bill", bill.status),
        )
        for bill in found.bills[:MOST]
    ]
    if not found.visits:
        turn.say("only_bills", child=found.child, what=what, lines="\n".join(lines))
        return
    turn.say(
        "visits",
        child=found.child,
        what=what,
        count=len(found.visits),
        total=texts.yuan(found.total),
        paid=texts.yuan(found.insurer_paid),
        self_pay=texts.yuan(found.self_pay),
        lines="\n".join(lines),
    )
    if any(bill.status == "unpaid" for bill in found.bills):
        turn.say("bills_unpaid")


def _line(turn: Turn, visit: VisitView) -> str:
    return texts.line(
        "visit",
        day=texts.day(visit.visited_on, turn.now.date()),
        hospital=visit.hospital,
        department=visit.department,
        total=texts.yuan(visit.total),
        paid=texts.yuan(visit.insurer_paid),
        self_pay=texts.yuan(visit.self_pay),
    )
