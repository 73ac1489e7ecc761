"""Complaints and suggestions, in the parent's words (手册·电子保险卡 E2)."""

from __future__ import annotations

import re

from actions import texts
from actions.turn import Event, ServiceAction, Turn, resume
from bot.services import handoffs

# "我要投诉" says that, not what about.
BARE_COMPLAINT = re.compile(
    r"(?:我|就|真)*(?:要|想)?(?:投诉|提意见|提个?建议|反映个?问题|举报)(?:你们|一下|你)?"
)
PUNCTUATION = " ,，。.!！~～"


class ActionFileComplaint(ServiceAction):
    """Records a complaint or suggestion in the parent's words."""

    action_name = "action_file_complaint"

    def handle(self, turn: Turn) -> list[Event]:
        """Record it, tell its number."""
        if not turn.text or BARE_COMPLAINT.fullmatch(turn.text.strip(PUNCTUATION)):
            turn.say("complaint_how")
            return resume(turn)
        reference = handoffs.file_complaint(
            turn.store, identity_id=turn.identity.id, text=turn.text, now=turn.now
        )
        turn.say("complaint_filed", reference=reference)
        return resume(turn)


def asked_for_complaint(turn: Turn) -> bool:
    """Tell whether the last thing said was the request to write down a complaint."""
    events = iter(reversed(turn.tracker.events))
    next((e for e in events if e["event"] == "user"), None)
    last = next((e for e in events if e["event"] in ("bot", "user")), None)
    return bool(turn.text) and last is not None and last.get("text") == texts.whole("complaint_how")
