"""Visits at the desk: what is next, who is told, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.services import appointments as visits
from bot.store.models import Appointment, Child, OutboxMessage
from bot.store.session import Store
from tests.desk.console.conftest import NOW, NUMBER, Clock, Staff

HOSPITAL = "复旦大学附属儿科医院国际部特需门诊"
DEPARTMENT = "小儿呼吸科"
HOSTILE = "<img src=x onerror=alert(1)>\u202e"
AT = datetime(2026, 12, 3, 9, 30, tzinfo=TZ)
DAY = date(2026, 12, 3)


@pytest.fixture
def book(demo_store: Store, mother: int) -> Callable[..., str]:
    """Book as the mother; return the page."""

    def ask(
        day: date = DAY, clock: time | None = None, part: str | None = None, now: datetime = NOW
    ) -> str:
        wish = visits.Wish(day, clock, part)
        booked, _ = visits.book(
            demo_store,
            identity_id=mother,
            number=NUMBER,
            hospital=HOSPITAL,
            department=DEPARTMENT,
            wish=wish,
            now=now,
        )
        return f"/desk/appointments/{booked.reference}"

    return ask


def row_of(store: Store, page: str) -> Appointment:
    with store.read() as session:
        query = sa.select(Appointment).where(Appointment.reference == page.rsplit("/", 1)[1])
        return session.scalars(query).one()


def told(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [(row.kind, str(row.payload["values"])) for row in rows]


def seen(agent: Staff, page: str) -> str:
    """Return the version that a page shows."""
    return agent.get(page).text.split('name="version" value="')[1].split('"')[0]


def order(agent: Staff, *pages: str, query: str = "") -> list[str]:
    """Return these visits as the list has them, one below the other."""
    text = agent.get(f"/desk/appointments{query}").text
    named = [page for page in pages if f'"{page}"' in text]
    return sorted(named, key=lambda page: text.index(f'"{page}"'))


# What is next.


def test_what_is_urgent_comes_first_then_what_waits_longest_then_what_is_confirmed(
    agent: Staff, book: Callable[..., str]
) -> None:
    late = book(date(2026, 12, 4), part="morning", now=datetime(2026, 11, 18, 9, tzinfo=TZ))
    fresh = book()
    urgent = book(date(2026, 11, 24), part="afternoon")
    confirmed = "/desk/appointments/A1001"
    everything = (urgent, late, fresh, confirmed)
    assert order(agent, *reversed(everything)) == list(everything)


@pytest.mark.parametrize(
    ("state", "said"), [("requested", "确认或回绝"), ("confirmed", "等就诊"), ("declined", "")]
)
def test_the_list_says_what_is_to_be_done(
    agent: Staff, demo_store: Store, book: Callable[..., str], state: str, said: str
) -> None:
    page = book()
    with demo_store.begin() as session:
        session.execute(
            sa.update(Appointment)
            .where(Appointment.id == row_of(demo_store, page).id)
            .values(status=state)
        )
    listed = agent.read(f"/desk/appointments?state={state}&q={page[-6:]}")
    assert page[-6:] in listed
    for word in ("确认或回绝", "等就诊"):
        assert (word in listed) is (word == said)


def test_after_the_visit_it_is_to_be_noted_whether_the_child_came(
    agent: Staff, moment: Clock
) -> None:
    moment.go(days=10)
    agent.sign_in("lin")
    assert "登记是否到诊" in agent.read("/desk/appointments")
    assert "没有到诊" in agent.read("/desk/appointments/A1001")


def test_colours_follow_v2s_due_time(agent: Staff, book: Callable[..., str], moment: Clock) -> None:
    page = book()
    assert "来得及" in agent.read(page)
    for hours, level in ((31, "快到时限"), (31, "已超时")):
        moment.go(hours=hours)
        agent.sign_in("lin")
        assert level in agent.read(page)
        assert level in agent.read("/desk/appointments")


def test_a_wish_for_any_time_of_a_day_has_no_clock_time(
    agent: Staff, book: Callable[..., str]
) -> None:
    page = book()
    assert "2026-12-03 时间不限（没说几点）" in agent.read(page)
    assert "2026-12-03 时间不限" in agent.read("/desk/appointments")
    assert "09:00" not in agent.read(page)


def test_visits_of_a_state_and_those_that_are_over_the_latest_first(
    agent: Staff, book: Callable[..., str]
) -> None:
    pages = [book(date(2026, 12, day), part="morning") for day in (3, 7, 4)]
    for page in pages:
        agent.does(f"{page}/decline", version=seen(agent, page), reason="满了")
    assert order(agent, *pages) == []
    assert order(agent, *pages, query="?state=declined") == [pages[1], pages[2], pages[0]]
    assert "没有预约" in agent.read("/desk/appointments?state=noshow")


def test_a_state_that_there_is_not_is_none(agent: Staff) -> None:
    assert "A1001" in agent.read("/desk/appointments?state=nonsense")


# What is done, and who is told of it.


def test_it_is_confirmed_as_wished_if_the_hospital_gave_no_time(
    agent: Staff, demo_store: Store, book: Callable[..., str]
) -> None:
    page = book(clock=time(10))
    agent.does(f"{page}/confirm", version=seen(agent, page), visit_at="")
    row = row_of(demo_store, page)
    assert (row.status, row.visit_at) == ("confirmed", datetime(2026, 12, 3, 10, tzinfo=TZ))
    (message,) = told(demo_store)
    assert message[0] == "appointment_confirmed"
    assert "12月3日" in message[1]


def test_the_hospitals_time_is_shanghais(
    agent: Staff, demo_store: Store, book: Callable[..., str]
) -> None:
    page = book(part="morning")
    agent.does(f"{page}/confirm", version=seen(agent, page), visit_at="2026-12-03T09:30")
    assert (row_of(demo_store, page).visit_at, row_of(demo_store, page).clock_given) == (AT, True)
    assert "09:30" in told(demo_store)[-1][1]


def test_a_declined_visit_shows_why_and_what_was_proposed(
    agent: Staff, demo_store: Store, book: Callable[..., str]
) -> None:
    page = book()
    agent.does(
        f"{page}/decline", version=seen(agent, page), reason=HOSTILE, proposal="2026-12-10T14:00"
    )
    (message,) = told(demo_store)
    assert message[0] == "appointment_declined"
    assert "14:00" in message[1]
    assert HOSTILE[:-1] not in agent.get(page).text
    shown = agent.read(page)
    assert "<img src=x onerror=alert(1)>⟨202E⟩" in shown
    assert "2026-12-10 14:00" in shown


def test_the_parent_is_told_of_what_the_hospital_changes(
    agent: Staff, demo_store: Store, book: Callable[..., str]
) -> None:
    page = book(clock=time(10))
    agent.does(f"{page}/confirm", version=seen(agent, page))
    agent.does(f"{page}/change", version=seen(agent, page), visit_at="2026-12-04T08:15")
    agent.does(f"{page}/call-off", version=seen(agent, page), reason="停诊")
    kinds = [kind for kind, _ in told(demo_store)]
    assert kinds == ["appointment_confirmed", "appointment_changed", "appointment_declined"]
    assert "08:15" in told(demo_store)[1][1]
    assert "停诊" in told(demo_store)[2][1]
    assert row_of(demo_store, page).status == "cancelled"


def test_what_the_parent_did_stands_in_the_history(
    agent: Staff, demo_store: Store, mother: int, book: Callable[..., str]
) -> None:
    page = book(part="morning")
    given = {"identity_id": mother, "reference": page.rsplit("/", 1)[1], "now": NOW}
    wish = visits.Wish(date(2026, 12, 8), None, "afternoon")
    visits.reschedule(demo_store, wish=wish, late_accepted=True, **given)
    visits.cancel(demo_store, late_accepted=True, **given)
    shown = agent.read(page)
    assert "家长改时间" in shown
    assert "取消于 11-23 10:05" in " ".join(shown.split())


# What is refused.


@pytest.mark.parametrize("what", ["confirm", "change", "decline", "call-off", "fulfil", "no-show"])
def test_a_stale_page_changes_nothing(
    agent: Staff, demo_store: Store, book: Callable[..., str], what: str
) -> None:
    page = book()
    before = row_of(demo_store, page).version
    filled = {"visit_at": "2026-12-03T09:30", "reason": "满了", "version": str(before - 1)}
    answer = agent.post(f"{page}/{what}", **filled)
    assert answer.status_code == 409
    assert "刚被别人改过" in answer.json()["error"]
    row = row_of(demo_store, page)
    assert (row.status, row.version) == ("requested", before)
    assert told(demo_store) == []


@pytest.mark.parametrize("what", ["confirm", "decline", "fulfil"])
def test_what_is_over_stays_so(
    agent: Staff, demo_store: Store, book: Callable[..., str], what: str
) -> None:
    page = book()
    agent.does(f"{page}/decline", version=seen(agent, page), reason="满了")
    version = str(row_of(demo_store, page).version)
    assert "已经办过或取消了" in agent.refused(f"{page}/{what}", version=version, reason="满了")
    assert len(told(demo_store)) == 1


@pytest.mark.parametrize(
    "typed",
    ["2026-12-03", "09:30", "2026-12-03T09:30+00:00", "2026-02-30T09:00", "2062-12-03T09:30"],
)
def test_a_time_that_is_none_or_lies_years_ahead(
    agent: Staff, demo_store: Store, book: Callable[..., str], typed: str
) -> None:
    page = book()
    for what, field in (("confirm", "visit_at"), ("decline", "proposal")):
        filled = {"version": seen(agent, page), "reason": "满了", field: typed}
        assert "时间没有填对" in agent.refused(f"{page}/{what}", **filled)
    assert row_of(demo_store, page).status == "requested"


def test_two_visits_to_one_department_at_one_time(
    agent: Staff, demo_store: Store, book: Callable[..., str]
) -> None:
    one, two = book(clock=time(9, 30)), book(date(2026, 12, 4), part="morning")
    refused = agent.refused(f"{two}/confirm", version=seen(agent, two), visit_at="2026-12-03T09:30")
    assert "已经有同一科的预约" in refused
    assert (row_of(demo_store, two).status, row_of(demo_store, one).status) == (
        "requested",
        "requested",
    )


def test_there_is_no_such_visit(agent: Staff) -> None:
    assert agent.get("/desk/appointments/A99999").status_code == 404
    assert agent.post("/desk/appointments/A99999/fulfil", version="1").status_code == 404


def test_names_are_shown_as_text(agent: Staff, demo_store: Store) -> None:
    with demo_store.begin() as session:
        session.execute(sa.update(Child).values(name=HOSTILE))
    for path in ("/desk/appointments", "/desk/appointments/A1001"):
        assert HOSTILE[:-1] not in agent.get(path).text
        assert "<img src=x onerror=alert(1)>⟨202E⟩" in agent.read(path)


def test_the_list_alone_is_what_the_page_shows(agent: Staff, book: Callable[..., str]) -> None:
    page = book()
    query = "?state=requested&q=王小满"
    alone = agent.get(f"/desk/appointments-list{query}").text
    assert page in alone
    assert "A1001" not in alone
    whole = agent.get(f"/desk/appointments{query}").text
    assert alone in whole
    assert "/desk/appointments-list?state=requested&amp;q=%E7%8E%8B" in whole
