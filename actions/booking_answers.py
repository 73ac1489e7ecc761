"""What a booking's answers are checked for, and what is said where they will not do.

Hospitals, departments, days and times of a visit to a direct-billing public hospital (V1, V2).
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from actions import texts, wishes
from actions.forms import Found, entity_spans
from actions.turn import Turn, as_clock
from bot.rules.visits import BookingWish
from bot.services import appointments as service
from bot.services import hospitals as directory
from bot.services import places, policies
from bot.services.appointments import Wish
from bot.services.errors import NotFound

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁"
    "沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付白邹孟熊秦邱江尹薛闫段侯龙史陶黎贺顾毛郝龚邵万钱严覃戴莫孔"
)
EXPERT = re.compile(rf"专家|主任|教授|指定.{{0,3}}医生|[{SURNAMES}](?:医生|大夫)|名医")
# "换个医院" asks for that question again.
AGAIN = {
    "book_hospital": re.compile(
        r"[换改](?:个|一个|一?家|一下)?(?:别的|其他)?医院|医院(?:要?[换改]|不对|错)"
    ),
    "book_department": re.compile(
        r"[换改](?:个|一个|一下)?(?:别的|其他)?科|科室?(?:要?[换改]|不对|错)"
    ),
    "book_date": re.compile(
        r"[换改](?:个|一个|一下|一)?(?:日子|日期|时间|天)|(?:日期|时间|日子)(?:要?[换改]|不对|错|不行)"
    ),
}
HOURS = re.compile(r"(\d{1,2}):(\d{2})\D(\d{1,2}):(\d{2})")
BOOKS = re.compile(r"约|挂|换|改")
NO_NAME = re.compile(r"[问看去在的下了吗呢吧哪有能没]")
BOOK_LEAD = re.compile(r".*(?:预约|约|挂|换|改|成|个|家|想|要)")
GENERIC_PLACE = re.compile(
    r"(?:公立|私立|直付|附近|特需|国际|三甲|大|好|儿科|专科|的|有|没有|哪些|哪家|哪里|哪个|什么|网络内?|合作"
    r"|能|可以|上海|北京|推荐|请问|查|找|看|一下|都|附近|本市|合适)*"
)


def department_named(
    turn: Turn, place: directory.Match | None, known: list[directory.HospitalView]
) -> directory.Match | None:
    """Return the department that is named, the chosen hospital's own before others."""
    text = turn.text
    if place is not None:
        text = text[: place.start] + "　" * (place.end - place.start) + text[place.end :]
    name = place.value if place else turn.slot("book_hospital")
    own = [d for h in known if h.name == name for d in h.departments]
    return directory.match_department(text, own) or directory.match_department(
        text, dict.fromkeys(d for h in known if h.kind == "public_special" for d in h.departments)
    )


def find_choice(found: Found, turn: Turn, asked: str | None) -> None:
    """Read "第二个" as a choice of the buttons offered."""
    position = texts.ordinal(turn.text)
    if position is None or asked not in ("book_hospital", "book_department"):
        return
    if asked == "book_hospital":
        offered = [h.name for h in offered_hospitals(turn)]
    else:
        offered = list(directory.hospital(turn.store, turn.slot("book_hospital")).departments)
    if position <= len(offered):
        found.values = {asked: offered[position - 1]}


def decline_expert(turn: Turn) -> None:
    """Say once that no doctor can be named (V2); a hospital's own name is no such wish."""
    text = turn.text
    for place in directory.hospitals(turn.store):
        for name in place.names:
            text = text.replace(name, "")
    if "expert" not in turn.told and EXPERT.search(text):
        turn.told.add("expert")
        turn.say("no_named_expert")


def unlisted_hospital(turn: Turn) -> places.Place | None:
    """Return a hospital that is named but not in the directory."""
    place = places.place_named(turn.text, (), entity_spans(turn, "date"))
    if place is None or place.name is None:
        return None
    name = BOOK_LEAD.sub("", place.name)
    core = re.sub(r"(?:医院|诊所|门诊部|卫生院|医学中心|医疗中心)$", "", name)
    generic = GENERIC_PLACE.fullmatch(core)
    if len(core) < 2 or generic or NO_NAME.search(core):
        return None
    return places.Place(name, None, place.end - len(name), place.end)


def booked_elsewhere(turn: Turn) -> bool:
    """Say how to visit the hospital named, if it needs no booking here (V1)."""
    known = directory.hospitals(turn.store)
    place = directory.match_hospital(turn.text, known)
    meant = next((h for h in known if place and h.name == place.value), None)
    if meant is None or meant.kind == "public_special":
        return False
    number = turn.slot("policy") or next((c.number for c in turn.choices[:1]), None)
    say_no_booking(turn, meant, number)
    return True


def say_no_booking(turn: Turn, place: directory.HospitalView, number: str | None) -> None:
    """Say how to visit a hospital that takes no booking from here (V1), by the policy's plan."""
    if place.kind == "public":
        turn.say("no_booking_public", hospital=place.name)
        return
    plan = policy_of(turn, number)
    if plan is not None and "network_clinic" not in plan.direct_billing:
        turn.say("no_clinics_in_plan", hospital=place.name, plan=plan.plan, phone=place.phone)
        return
    turn.say("no_booking_network_clinic", hospital=place.name, phone=place.phone, hours=place.hours)


def policy_of(turn: Turn, number: str | None) -> policies.PolicyView | None:
    """Return a policy bound to this account, or ``None``."""
    if number is None or number not in [c.number for c in turn.choices]:
        return None
    return policies.overview(turn.store, identity_id=turn.identity.id, number=number, now=turn.now)


def bookable_hospital(turn: Turn, name: str) -> str | None:
    """Return the hospital's name if it is booked here (V2), else say what to do instead."""
    try:
        place = directory.hospital(turn.store, name)
    except NotFound:
        turn.say("no_booking_unlisted", hospital=name)
        return None
    if place.kind == "public_special":
        return place.name
    say_no_booking(turn, place, turn.slot("policy"))
    return None


def offered_department(turn: Turn, department: str, hospital: str | None) -> str | None:
    """Return the department if the hospital has it, else say where it is."""
    if hospital is None:
        return department
    place = directory.hospital(turn.store, hospital)
    if department in place.departments:
        return department
    say_not_there(turn, place, department)
    return None


def say_not_there(turn: Turn, place: directory.HospitalView, department: str) -> None:
    """Say that a hospital lacks a department, and which ones have it."""
    turn.say("department_not_there", hospital=place.name, department=department)
    offered = directory.hospitals(turn.store, kind="public_special")
    elsewhere = [h.name for h in offered if department in h.departments]
    if elsewhere:
        turn.say("department_elsewhere", value=texts.line("and").join(elsewhere))


def offered_hospitals(turn: Turn) -> list[directory.HospitalView]:
    """Return the hospitals that can be booked, those with the department wanted if there are."""
    offered = directory.hospitals(turn.store, kind="public_special")
    if AGAIN["book_hospital"].search(turn.text):
        return offered
    return [h for h in offered if turn.slot("book_department") in h.departments] or offered


def possible_day(
    turn: Turn, day: wishes.Day, clock_time: str | None, number: str | None
) -> str | None:
    """Return the local day (ISO) if it can be wished for, else say why not, with another (V2)."""
    if isinstance(day, wishes.OpenDay):
        wishes.propose(turn, day)
        return None
    if isinstance(day, wishes.NoDay):
        if day.impossible:
            turn.say("impossible_date")
        return None
    wish = Wish(date.fromisoformat(day), *as_clock(clock_time))
    today = turn.now.date()
    told = texts.day(wish.day, today)
    judged = service.assess(wish, turn.now)
    if judged.next_day is not None:
        buttons = wishes.day_button(turn, judged.next_day)
        next_day = texts.day(judged.next_day, today)
        if judged.wish is BookingWish.PAST and wish.day == today:
            turn.say("time_past", buttons=buttons, next_day=next_day)
            return None
        reason = "past" if judged.wish is BookingWish.PAST else "closed"
        turn.say(f"day_{reason}", buttons=buttons, day=told, next_day=next_day)
        return None
    policy = policy_of(turn, number)
    if policy is not None and wish.day > policy.valid_to:
        until = texts.day(policy.valid_to, today)
        turn.say("day_after_policy", child=policy.child, valid_to=until, day=told)
        return None
    return day


def possible_time(turn: Turn, value: str, values: dict[str, Any]) -> str | None:
    """Refuse a time that is over today or outside the hospital's hours."""
    day, name = values.get("book_date"), values.get("book_hospital")
    if name and not open_at(turn, name, value):
        return None
    return value if day is None or possible_day(turn, day, value, None) else None


def open_at(turn: Turn, name: str, value: str) -> bool:
    """Tell whether a time is within the hospital's hours in the directory; say so if not."""
    place = directory.hospital(turn.store, name)
    told = HOURS.search(place.hours)
    clock, part = as_clock(value)
    begins = clock or service.PART_CLOCK.get(part or "")
    if told is None or begins is None:
        return True
    opens, closes = time(int(told[1]), int(told[2])), time(int(told[3]), int(told[4]))
    if opens <= begins < closes:
        return True
    turn.say("time_closed", hospital=place.name, hours=place.hours)
    return False
