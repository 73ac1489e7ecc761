"""The parent's own share: what is owed and why, and where to pay it (手册·电子保险卡 E3)."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import texts
from actions.policies import not_own
from actions.turn import Event, ServiceAction, Turn, chosen_policy, resume
from bot.services import payments as service
from bot.services import policies
from bot.services.errors import Refused
from bot.services.payment_gateway import PaymentUnavailable, payment_gateway
from bot.services.policies import Bill, PolicyView
from bot.settings import get_settings

MOST_LINKS = 3


class ActionPaySelfPay(ServiceAction):
    """Tells what is owed for which visit, with a link to pay each bill."""

    action_name = "action_pay_self_pay"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the child named or chosen; of several children, for those who owe."""
        refused = not_own(turn)
        if refused is not None:
            return refused
        if turn.choices and turn.child_named() is None and len(turn.choices) > 1:
            views = [self._view(turn, c.number) for c in turn.choices]
            owing = [seen for seen in views if seen.unpaid]
            for seen in owing:
                _tell(turn, seen)
            if not owing:
                turn.say("nothing_owed_at_all")
            return [SlotSet("pending_task", None), *resume(turn)]
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return events
        seen = self._view(turn, number)
        if seen.unpaid:
            _tell(turn, seen)
        else:
            turn.say("nothing_owed", child=seen.child)
        return [*events, SlotSet("pending_task", None), *resume(turn)]

    @staticmethod
    def _view(turn: Turn, number: str) -> PolicyView:
        return policies.overview(
            turn.store, identity_id=turn.identity.id, number=number, now=turn.now
        )


def _tell(turn: Turn, seen: PolicyView) -> None:
    lines = "\n".join(
        texts.line(
            "bill",
            reference=bill.reference,
            day=texts.day(bill.visited_on, seen.as_of),
            hospital=bill.hospital,
            amount=texts.yuan(bill.amount),
        )
        for bill in seen.unpaid
    )
    turn.say("owed", child=seen.child, lines=lines)
    for bill in seen.unpaid[:MOST_LINKS]:
        _tell_link(turn, bill)


def _tell_link(turn: Turn, bill: Bill) -> None:
    try:
        link = service.begin(
            turn.store,
            payment_gateway(get_settings()),
            identity_id=turn.identity.id,
            bill=bill.reference,
            now=turn.now,
        )
    except PaymentUnavailable:
        turn.say("payment_unavailable")
        return
    except Refused:
        # Paid in this very moment, on the other parent's phone.
        turn.say("bill_paid", reference=bill.reference)
        return
    turn.say(
        "payment_link",
        reference=link.bill,
        amount=texts.yuan(link.amount),
        url=link.url,
        until=f"{link.expires_at:%H:%M}",
    )
