"""Free online lectures: what is on, signing up, withdrawing (手册·医疗服务 M5)."""

from __future__ import annotations

import re

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.services import lectures as service
from bot.services.errors import NotFound, Refused
from bot.services.lectures import LectureView

LEAVE = re.compile(r"(?:取消|退|不)(?:掉|了)?(?:报名|听|参加|去|上)?|报名.{0,3}(?:取消|退)")
JOIN = re.compile(r"报名|参加|预约|报一?个|想听|我要听|登记")
TOPICS = {
    "common_illness": "常见病|发热|发烧|感冒|咳嗽|生病",
    "outbreaks": "传染病|流感|手足口|诺如|接种|疫苗",
    "child_health": "科普|健康|睡眠|喂养|养育|育儿|发育",
}
JOINING, LEAVING = "join", "leave"


def _number(turn: Turn) -> str | None:
    """Return the lecture's number that a button or a message gives."""
    said = str(turn.entity("lecture") or turn.entity("reference") or "")
    return said if said.startswith("L") else None


def _named(turn: Turn, known: list[LectureView]) -> LectureView | None:
    """Return the lecture that a message names: by number, topic, place in the list, or day."""
    said = _number(turn)
    if said is not None:
        return next((x for x in known if x.reference == said), None)
    position = texts.ordinal(turn.text)
    if position is not None and position <= len(known):
        return known[position - 1]
    day = turn.day()
    fitting = [x for x in known if day is not None and x.starts_at.date() == day] or [
        x for x in known if re.search(TOPICS[x.topic], turn.text)
    ]
    return fitting[0] if len(fitting) == 1 else None


class ActionAskLectures(ServiceAction):
    """Lists the lectures; a wish to hear or to leave one begins the form."""

    action_name = "action_ask_lectures"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell what is on, or go on to the one that was named."""
        if turn.form == LectureForm.form:
            return resume(turn)
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        mine = [x for x in known if x.mine]
        leaving = bool(LEAVE.search(turn.text)) and bool(mine)
        among = mine if leaving else known
        meant = _named(turn, among)
        if leaving and meant is None and len(mine) == 1:
            meant = mine[0]
        wanted = leaving or JOIN.search(turn.text) or _number(turn)
        if meant is not None and wanted:
            begin = [
                SlotSet("lecture_choice", meant.reference),
                SlotSet("lecture_wish", LEAVING if leaving else JOINING),
                SlotSet("lecture_confirm", None),
            ]
            return [*begin, *open_form(turn, LectureForm.form)]
        if not known:
            turn.say("no_lectures")
            return resume(turn)
        lines = "\n".join(_line(x, turn) for x in known)
        buttons = [
            {
                "title": texts.line("lecture_button", reference=x.reference),
                "payload": f'/ask_lectures{{"lecture": "{x.reference}"}}',
            }
            for x in known
            if not x.mine and x.seats_left
        ]
        turn.say("lectures", buttons=buttons, lines=lines)
        return resume(turn)


def _line(seen: LectureView, turn: Turn) -> str:
    state = "mine" if seen.mine else "free" if seen.seats_left else "full"
    return texts.line(
        "lecture",
        reference=seen.reference,
        title=seen.title,
        when=texts.moment(seen.starts_at, turn.now),
        state=texts.word("lecture_state", state),
    )


class LectureForm(Form):
    """Which lecture, and confirmation."""

    form = "lecture_form"
    slots = ("lecture_choice", "lecture_confirm")
    scratch = ("lecture_wish",)
    own = frozenset({"ask_lectures"})
    confirm = "lecture_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for another lecture than the one chosen."""
        found = Found()
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        meant = _named(turn, known)
        if meant is not None:
            found.add("lecture_choice", meant.reference, (0, len(turn.text)))
        return found


class ActionAskLectureChoice(ServiceAction):
    """Asks which lecture."""

    action_name = "action_ask_lecture_choice"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """List them."""
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        turn.say("lectures", lines="\n".join(_line(x, turn) for x in known))
        return []


class ActionAskLectureConfirm(ServiceAction):
    """Sums up what will be done."""

    action_name = "action_ask_lecture_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell title, speaker and time, and ask."""
        seen = service.lecture(
            turn.store, identity_id=turn.identity.id, reference=turn.slot("lecture_choice")
        )
        leaving = turn.slot("lecture_wish") == LEAVING
        turn.say(
            "confirm_lecture_leave" if leaving else "confirm_lecture",
            title=seen.title,
            speaker=seen.speaker,
            when=texts.moment(seen.starts_at, turn.now),
        )
        return []


class ActionSubmitLecture(Submit):
    """Signs up or withdraws."""

    form_class = LectureForm

    def submit(self, turn: Turn) -> str | None:
        """Do it, and say how it ended."""
        given = {"identity_id": turn.identity.id, "reference": turn.slot("lecture_choice")}
        try:
            if turn.slot("lecture_wish") == LEAVING:
                seen, _ = service.withdraw(turn.store, **given, now=turn.now)
                turn.say("lecture_left", title=seen.title)
                return None
            seen, new = service.sign_up(turn.store, **given, now=turn.now)
        except NotFound:
            turn.say("no_lectures")
            return None
        except Refused as refused:
            turn.say("lecture_refused", reason=texts.word("refused", refused.reason))
            return None
        when = texts.moment(seen.starts_at, turn.now)
        turn.say("lecture_joined" if new else "lecture_already", title=seen.title, when=when)
        return None
