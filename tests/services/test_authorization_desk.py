"""What staff do: each state driven, each change once, and the parent told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.authorizations import Paper
from bot.rules.states import AUTHORIZATION_STATES
from bot.services import authorization_desk as desk
from bot.services import authorization_requests as requests
from bot.services import authorizations
from bot.services.authorization_requests import AuthorizationWish
from bot.services.authorizations import AuthorizationView
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import AuditEntry, Authorization, OutboxMessage
from bot.store.session import Store
from bot.texts import texts

NUMBER, PHONE = "YX2026-000101", "13800000101"
XINHUA = "上海新华医院镜朗高级专家诊疗部"
STAFF = "staff:mei"
Do = Callable[..., AuthorizationView]


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    return bound(PHONE)


@pytest.fixture
def applied(store: Store, parent: int, now: datetime) -> AuthorizationView:
    wish = AuthorizationWish("斜视手术", XINHUA, date(2026, 12, 4))
    return requests.submit(store, identity_id=parent, number=NUMBER, wish=wish, now=now)[0]


@pytest.fixture
def do(store: Store, applied: AuthorizationView, now: datetime) -> Do:
    """Call a function of the desk on the application, with its present version."""

    def do(function: Callable[..., AuthorizationView], **given: Any) -> AuthorizationView:
        version = desk.look_up(store, applied.reference).version
        common = {"reference": applied.reference, "actor": STAFF, "version": version, "now": now}
        return function(store, **(common | given))

    return do


def messages(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = list(session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))
    for row in rows:
        # Whoever sends it can fill it in.
        texts()[row.payload["text"]].text.format(**row.payload["values"])
    return [(row.kind, row.payload["text"]) for row in rows]


def test_from_application_to_letter(
    store: Store, parent: int, do: Do, now: datetime, applied: AuthorizationView
) -> None:
    assert do(desk.take_up).status == "under_review"
    begun = ("authorization_progress", "notify_authorization_review")
    assert messages(store) == [begun]
    assert do(desk.approve).status == "approved"
    assert messages(store) == [begun, ("authorization_decided", "notify_authorization_approved")]
    sent = do(desk.letter_sent)
    assert sent.guarantee_letter_at == now
    assert messages(store)[2:] == [("authorization_decided", "notify_authorization_letter")]
    (told,) = authorizations.authorizations(store, identity_id=parent)
    assert [(e.kind, e.by_staff) for e in told.events] == [
        ("submitted", False),
        ("under_review", True),
        ("approved", True),
        ("letter_sent", True),
    ]


def test_papers_are_asked_for_and_come_one_by_one(store: Store, do: Do, parent: int) -> None:
    seen = do(
        desk.ask_for_papers,
        papers=[Paper.MEDICAL_RECORD, Paper.COST_ESTIMATE],
        reason="病历要有诊断",
    )
    assert (seen.status, seen.missing) == (
        "documents_missing", ("medical_record", "cost_estimate"),
    )  # fmt: skip
    assert seen.reason == "病历要有诊断"
    assert messages(store) == [("authorization_needs_papers", "notify_authorization_papers")]
    with store.read() as session:
        values = session.scalars(sa.select(OutboxMessage)).one().payload["values"]
    assert values["papers"] == "病历、费用预估"
    some = do(desk.papers_received, papers=[Paper.COST_ESTIMATE, Paper.EXAMINATION_ORDER])
    assert (some.status, some.missing) == ("documents_missing", ("medical_record",))
    assert do(desk.papers_received, papers=[Paper.COST_ESTIMATE]) == some
    whole = do(desk.papers_received, papers=[Paper.MEDICAL_RECORD])
    assert (whole.status, whole.missing) == ("under_review", ())
    assert messages(store)[1:] == [
        ("authorization_progress", "notify_authorization_received"),
        ("authorization_progress", "notify_authorization_complete"),
    ]
    again = do(desk.ask_for_papers, papers=[Paper.MEDICAL_RECORD])
    assert (again.status, again.missing) == ("documents_missing", ("medical_record",))
    more = do(desk.ask_for_papers, papers=[Paper.EXAMINATION_ORDER])
    assert more.missing == ("medical_record", "examination_order")
    assert len(messages(store)) == 5


def test_a_refusal_tells_why_and_lets_apply_again(
    store: Store, do: Do, parent: int, now: datetime, applied: AuthorizationView
) -> None:
    do(desk.take_up)
    for empty in ("", "  ", "长" * 501):
        with pytest.raises(ValueError, match=r"told why|at most"):
            do(desk.decline, reason=empty)
    seen = do(desk.decline, reason=" 诊断与治疗不符 ")
    assert (seen.status, seen.reason, seen.ended) == ("declined", "诊断与治疗不符", True)
    assert messages(store)[1:] == [("authorization_decided", "notify_authorization_declined")]
    wish = AuthorizationWish("斜视手术", XINHUA, date(2026, 12, 4))
    again, new = requests.submit(store, identity_id=parent, number=NUMBER, wish=wish, now=now)
    assert new
    assert again.reference != applied.reference


def bring_to(state: str, do: Do, store: Store, parent: int, now: datetime, reference: str) -> None:
    """Bring the application into a state."""
    if state in ("under_review", "approved", "declined"):
        do(desk.take_up)
    if state == "approved":
        do(desk.approve)
    elif state == "declined":
        do(desk.decline, reason="不符")
    elif state == "documents_missing":
        do(desk.ask_for_papers, papers=[Paper.MEDICAL_RECORD])
    elif state == "withdrawn":
        requests.withdraw(store, identity_id=parent, reference=reference, now=now)
    elif state == "draft":
        with store.begin() as session:
            row = session.scalars(
                sa.select(Authorization).where(Authorization.reference == reference)
            ).one()
            row.status = "draft"


CALLS: dict[str, tuple[Callable[..., AuthorizationView], dict[str, Any], set[str]]] = {
    "take_up": (desk.take_up, {}, {"submitted", "documents_missing"}),
    "ask_for_papers": (
        desk.ask_for_papers,
        {"papers": [Paper.COST_ESTIMATE]},
        {"submitted", "under_review", "documents_missing"},
    ),
    "papers_received": (
        desk.papers_received,
        {"papers": [Paper.MEDICAL_RECORD]},
        {"documents_missing"},
    ),
    "approve": (desk.approve, {}, {"under_review"}),
    "decline": (desk.decline, {"reason": "不符"}, {"under_review"}),
    "letter_sent": (desk.letter_sent, {}, {"approved"}),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("state", AUTHORIZATION_STATES)
def test_what_can_be_done_in_each_state(
    store: Store,
    do: Do,
    parent: int,
    now: datetime,
    applied: AuthorizationView,
    state: str,
    name: str,
) -> None:
    bring_to(state, do, store, parent, now, applied.reference)
    before = desk.look_up(store, applied.reference)
    assert before.status == state
    function, given, allowed = CALLS[name]
    if state in allowed:
        assert do(function, **given).version > before.version
        return
    sent = len(messages(store))
    with pytest.raises(Refused, match="authorization_state"):
        do(function, **given)
    assert desk.look_up(store, applied.reference) == before
    assert len(messages(store)) == sent


@pytest.mark.parametrize("name", CALLS)
def test_what_was_changed_meanwhile_is_left_alone(
    store: Store, do: Do, parent: int, now: datetime, applied: AuthorizationView, name: str
) -> None:
    function, given, allowed = CALLS[name]
    bring_to(sorted(allowed)[0], do, store, parent, now, applied.reference)
    before = desk.look_up(store, applied.reference)
    with pytest.raises(Conflict):
        do(function, version=before.version - 1, **given)
    assert desk.look_up(store, applied.reference) == before


def test_a_parent_s_change_stops_a_decision_on_the_old_day(
    store: Store, do: Do, parent: int, now: datetime, applied: AuthorizationView
) -> None:
    read = do(desk.take_up)
    requests.change_day(
        store, identity_id=parent, reference=applied.reference, day=date(2026, 12, 9), now=now
    )
    with pytest.raises(Conflict):
        do(desk.approve, version=read.version)


def test_a_row_changed_between_reading_and_writing_is_a_conflict(
    store: Store, do: Do, applied: AuthorizationView, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = desk._move

    def interfere(row: Authorization, target: Any) -> None:
        original(row, target)
        # As if a colleague's change had been committed just now.
        sa.orm.object_session(row).connection().execute(  # type: ignore[attr-defined]
            sa.text("UPDATE prior_authorization SET version = version + 1 WHERE id = :id"),
            {"id": row.id},
        )

    monkeypatch.setattr(desk, "_move", interfere)
    with pytest.raises(Conflict):
        do(desk.take_up)
    assert desk.look_up(store, applied.reference).status == "submitted"


def test_the_letter_is_sent_once(store: Store, do: Do) -> None:
    do(desk.take_up)
    do(desk.approve)
    do(desk.letter_sent)
    with pytest.raises(Refused, match="letter_sent"):
        do(desk.letter_sent)
    assert len(messages(store)) == 3


def test_the_whole_family_is_told(
    store: Store, do: Do, bound: Callable[..., int], parent: int
) -> None:
    grandmother = bound(PHONE, account="grandmother")
    stranger = bound("13800000301", account="stranger")
    do(desk.take_up)
    do(desk.approve)
    with store.read() as session:
        told = set(session.scalars(sa.select(OutboxMessage.identity_id)))
    assert told == {parent, grandmother}
    assert stranger not in told


def test_without_a_hospital_the_message_still_reads(store: Store, now: datetime) -> None:
    with store.begin() as session:
        row = session.scalars(
            sa.select(Authorization).where(Authorization.reference == "P3002")
        ).one()
        row.hospital_id = None
    version = desk.look_up(store, "P3002").version
    seen = desk.approve(store, reference="P3002", actor=STAFF, version=version, now=now)
    assert (seen.hospital, seen.status) == (None, "approved")


def test_papers_must_be_named(do: Do) -> None:
    with pytest.raises(ValueError, match="at least one"):
        do(desk.ask_for_papers, papers=[])


def test_an_unknown_number_is_not_found(store: Store, now: datetime) -> None:
    with pytest.raises(NotFound):
        desk.take_up(store, reference="P9", actor=STAFF, version=1, now=now)
    with pytest.raises(NotFound):
        desk.look_up(store, "P9")


def test_what_waits_is_listed_urgent_first(
    store: Store, do: Do, parent: int, now: datetime, applied: AuthorizationView
) -> None:
    wish = AuthorizationWish("疝气手术", XINHUA, date(2026, 11, 24))
    urgent, _ = requests.submit(store, identity_id=parent, number=NUMBER, wish=wish, now=now)
    listed = [a.reference for a in desk.waiting(store)]
    # P3001 is approved, its letter is not sent.
    assert listed == [urgent.reference, "P3001", "P3002", applied.reference]
    requests.withdraw(store, identity_id=parent, reference=urgent.reference, now=now)
    do(desk.take_up)
    do(desk.approve)
    do(desk.letter_sent)
    assert [a.reference for a in desk.waiting(store)] == ["P3001", "P3002"]


def test_staff_are_named_in_the_audit(store: Store, do: Do, applied: AuthorizationView) -> None:
    do(desk.take_up)
    do(desk.decline, reason="诊断与治疗不符")
    with store.read() as session:
        query = sa.select(AuditEntry).where(AuditEntry.actor == STAFF).order_by(AuditEntry.id)
        entries = list(session.scalars(query))
    assert [e.action for e in entries] == ["authorization.under_review", "authorization.declined"]
    assert len({e.subject for e in entries}) == 1
    assert not any("诊断" in str(e.detail) for e in entries)
