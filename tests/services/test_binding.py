"""Binding by one-time codes (手册·绑卡流程 E1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from bot.services.binding import CodeAnswer, CodeResult, CodeSent, request_code, verify_code
from bot.services.identity import choices
from bot.services.sms import DemoSmsSender, HttpSmsSender
from bot.store.models import AuditEntry, Binding, OneTimeCode, VerificationLock
from bot.store.session import Store

SECRET = "a secret of the tests"
CODE, WRONG = "012345", "543210"
ONE, TWO, UNKNOWN = "13800000101", "13800000201", "13999999999"
VALID, LOCK = timedelta(minutes=5), timedelta(minutes=30)


class Phone:
    """A sender that keeps what it was given."""

    shown_in_chat = False

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send_code(self, phone: str, code: str) -> None:
        self.sent.append((phone, code))


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def limits() -> None:
    """Keep the limits on how many codes are sent."""


@pytest.fixture(autouse=True)
def _no_limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "limits" not in request.fixturenames:
        monkeypatch.setattr("bot.rules.codes.CODE_LIMITS", ((timedelta(1), 10**6),))


Ask = Callable[..., CodeSent]
Verify = Callable[..., CodeResult]


@pytest.fixture
def ask(store: Store, phone: Phone) -> Ask:
    def request(identity_id: int, now: datetime, **change: object) -> CodeSent:
        wanted = {"child_name": "王小满", "phone": ONE, "new_code": lambda: CODE} | change
        sender = wanted.pop("sender", phone)
        return request_code(store, sender, SECRET, identity_id=identity_id, now=now, **wanted)

    return request


@pytest.fixture
def verify(store: Store) -> Verify:
    def check(identity_id: int, sent: CodeSent, code: str, now: datetime) -> CodeResult:
        assert sent.request_id is not None
        return verify_code(
            store, SECRET, identity_id=identity_id, request_id=sent.request_id, code=code, now=now
        )

    return check


@pytest.fixture
def parent(new_identity: Callable[[str], int]) -> int:
    return new_identity("parent")


@pytest.fixture
def lock(ask: Ask, verify: Verify) -> Callable[..., CodeResult]:
    """Type five wrong codes; return the answer to the last."""

    def type_wrong(identity_id: int, now: datetime, **change: object) -> CodeResult:
        sent = ask(identity_id, now, **change)
        return [verify(identity_id, sent, WRONG, now) for _ in range(5)][-1]

    return type_wrong


def the_code(store: Store) -> OneTimeCode:
    with store.read() as session:
        row: OneTimeCode = session.scalars(sa.select(OneTimeCode)).one()
        return row


# ---- the code


def test_the_right_code_binds_the_household(
    store: Store, now: datetime, parent: int, phone: Phone, ask: Ask, verify: Verify
) -> None:
    sent = ask(parent, now)
    assert phone.sent == [(ONE, CODE)]
    assert (sent.shown_code, sent.locked_until) == (None, None)
    assert choices(store, parent) == []

    answer = verify(parent, sent, CODE, now)

    assert answer == CodeResult(CodeAnswer.BOUND, children=("王小满",))
    assert [c.number for c in choices(store, parent)] == ["YX2026-000101"]


def test_one_child_opens_the_others_of_the_phone_and_is_named_first(
    store: Store, now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    answer = verify(parent, ask(parent, now, child_name="李沐瑶", phone=TWO), CODE, now)
    assert answer.children == ("李沐瑶", "李沐宸")
    assert len(choices(store, parent)) == 2


def test_an_expired_policy_can_be_bound(
    now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    sent = ask(parent, now, child_name="赵可心", phone="13800000401")
    assert verify(parent, sent, CODE, now).children == ("赵可心",)


def test_the_store_holds_a_keyed_hash_and_never_the_code(
    store: Store, now: datetime, parent: int, ask: Ask
) -> None:
    ask(parent, now)
    row = the_code(store)
    assert CODE not in {str(value) for value in vars(row).values()}
    assert len(row.code_hash) == 64
    request_code(
        store, Phone(), "another secret", identity_id=parent, child_name="王小满", phone=ONE,
        now=now, new_code=lambda: CODE,
    )  # fmt: skip
    ask(parent, now, phone=TWO, child_name="李沐瑶")
    with store.read() as session:
        hashes = list(session.scalars(sa.select(OneTimeCode.code_hash)))
    assert len(set(hashes)) == 3, "the same code hashes differently by key and by phone"


def test_codes_have_six_digits_and_are_not_repeated(
    now: datetime, parent: int, phone: Phone, ask: Ask
) -> None:
    for _ in range(20):
        ask(parent, now, new_code=None)
    codes = [code for _, code in phone.sent]
    assert all(len(code) == 6 and code.isdecimal() for code in codes)
    assert len(set(codes)) > 15


@pytest.mark.parametrize(
    ("waited", "answer"),
    [
        (VALID, CodeAnswer.BOUND),
        (VALID + timedelta(seconds=1), CodeAnswer.EXPIRED),
        (timedelta(days=1), CodeAnswer.EXPIRED),
    ],
)
def test_a_code_lives_five_minutes(
    now: datetime,
    parent: int,
    ask: Ask,
    verify: Verify,
    waited: timedelta,
    answer: CodeAnswer,
) -> None:
    sent = ask(parent, now)
    assert verify(parent, sent, CODE, now + waited).answer is answer


def test_a_code_is_used_once(
    store: Store,
    now: datetime,
    parent: int,
    ask: Ask,
    verify: Verify,
    count: Callable[..., int],
) -> None:
    sent = ask(parent, now)
    verify(parent, sent, CODE, now)
    with store.begin() as session:
        session.execute(sa.delete(Binding))
    assert verify(parent, sent, CODE, now).answer is CodeAnswer.EXPIRED
    assert count(Binding) == 0
    assert the_code(store).used_at == now


def test_a_code_is_worth_nothing_to_another_account(
    store: Store,
    now: datetime,
    parent: int,
    ask: Ask,
    verify: Verify,
    new_identity: Callable[[str], int],
) -> None:
    thief = new_identity("thief")
    sent = ask(parent, now)
    assert verify(thief, sent, CODE, now).answer is CodeAnswer.EXPIRED
    assert choices(store, thief) == []
    assert verify(parent, sent, CODE, now).answer is CodeAnswer.BOUND


def test_an_invented_request_is_expired(store: Store, now: datetime, parent: int) -> None:
    answer = verify_code(store, SECRET, identity_id=parent, request_id=4711, code=CODE, now=now)
    assert answer == CodeResult(CodeAnswer.EXPIRED)


def test_binding_twice_keeps_one_binding(
    now: datetime, parent: int, ask: Ask, verify: Verify, count: Callable[..., int]
) -> None:
    for _ in range(2):
        assert verify(parent, ask(parent, now), CODE, now).answer is CodeAnswer.BOUND
    assert count(Binding) == 1


def test_family_members_bind_the_same_policy(
    now: datetime,
    parent: int,
    ask: Ask,
    verify: Verify,
    new_identity: Callable[[str], int],
    count: Callable[..., int],
) -> None:
    for member in (parent, new_identity("grandmother")):
        assert verify(member, ask(member, now), CODE, now).answer is CodeAnswer.BOUND
    assert count(Binding) == 2


# ---- locks


def test_each_wrong_try_is_counted_and_the_fifth_locks_for_30_minutes(
    store: Store, now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    sent = ask(parent, now)
    answers = [verify(parent, sent, WRONG, now) for _ in range(5)]
    assert [a.tries_left for a in answers[:4]] == [4, 3, 2, 1]
    assert {a.answer for a in answers[:4]} == {CodeAnswer.WRONG}
    assert answers[4] == CodeResult(CodeAnswer.LOCKED, locked_until=now + LOCK)
    # The right code comes too late.
    assert verify(parent, sent, CODE, now).answer is CodeAnswer.LOCKED
    assert choices(store, parent) == []


def test_new_codes_give_no_new_tries(now: datetime, parent: int, ask: Ask, verify: Verify) -> None:
    answers = [verify(parent, ask(parent, now), WRONG, now).answer for _ in range(5)]
    assert answers[-1] is CodeAnswer.LOCKED


def test_a_locked_phone_is_locked_for_every_account(
    now: datetime,
    parent: int,
    phone: Phone,
    ask: Ask,
    verify: Verify,
    lock: Callable[..., CodeResult],
    new_identity: Callable[[str], int],
) -> None:
    other = new_identity("other")
    earlier = ask(other, now)
    lock(parent, now)
    sent = len(phone.sent)
    assert ask(other, now) == CodeSent(None, None, now + LOCK)
    assert len(phone.sent) == sent, "a locked phone gets no message"
    assert verify(other, earlier, CODE, now).answer is CodeAnswer.LOCKED


def test_a_locked_account_is_locked_for_every_phone(
    now: datetime, parent: int, ask: Ask, lock: Callable[..., CodeResult]
) -> None:
    lock(parent, now)
    assert ask(parent, now, child_name="李沐瑶", phone=TWO).locked_until == now + LOCK


def test_others_with_other_phones_are_not_locked(
    now: datetime,
    parent: int,
    ask: Ask,
    verify: Verify,
    lock: Callable[..., CodeResult],
    new_identity: Callable[[str], int],
) -> None:
    lock(parent, now)
    other = new_identity("other")
    sent = ask(other, now, child_name="李沐瑶", phone=TWO)
    assert verify(other, sent, CODE, now).answer is CodeAnswer.BOUND


def test_tries_at_many_phones_lock_the_account(
    now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    phones = [f"1390000000{n}" for n in range(5)]
    answers = [verify(parent, ask(parent, now, phone=p), WRONG, now) for p in phones]
    assert answers[-1].answer is CodeAnswer.LOCKED


def test_tries_by_many_accounts_lock_the_phone(
    now: datetime, ask: Ask, verify: Verify, new_identity: Callable[[str], int]
) -> None:
    accounts = [new_identity(f"account {n}") for n in range(5)]
    answers = [verify(a, ask(a, now), WRONG, now) for a in accounts]
    assert [a.answer for a in answers] == [CodeAnswer.WRONG] * 4 + [CodeAnswer.LOCKED]


def test_the_lock_ends_and_the_count_begins_anew(
    now: datetime, parent: int, ask: Ask, verify: Verify, lock: Callable[..., CodeResult]
) -> None:
    lock(parent, now)
    last = now + LOCK - timedelta(seconds=1)
    assert ask(parent, last).locked_until == now + LOCK
    after = now + LOCK
    sent = ask(parent, after)
    assert sent.request_id is not None
    assert verify(parent, sent, WRONG, after) == CodeResult(CodeAnswer.WRONG, tries_left=4)
    assert verify(parent, sent, CODE, after).answer is CodeAnswer.BOUND


def test_success_forgets_the_wrong_tries(
    now: datetime, parent: int, ask: Ask, verify: Verify, count: Callable[..., int]
) -> None:
    sent = ask(parent, now)
    for _ in range(4):
        verify(parent, sent, WRONG, now)
    assert verify(parent, sent, CODE, now).answer is CodeAnswer.BOUND
    assert count(VerificationLock) == 0


def test_binding_ones_own_phone_frees_no_other_phone(
    now: datetime, parent: int, ask: Ask, verify: Verify, new_identity: Callable[[str], int]
) -> None:
    sent = ask(parent, now)
    for _ in range(4):
        verify(parent, sent, WRONG, now)
    own = ask(parent, now, child_name="李沐瑶", phone=TWO)
    assert verify(parent, own, CODE, now).answer is CodeAnswer.BOUND
    assert verify(parent, sent, WRONG, now).answer is CodeAnswer.LOCKED


def test_an_expired_code_costs_no_try(
    now: datetime, parent: int, ask: Ask, verify: Verify, count: Callable[..., int]
) -> None:
    sent = ask(parent, now)
    for _ in range(6):
        late = now + timedelta(minutes=6)
        assert verify(parent, sent, WRONG, late).answer is CodeAnswer.EXPIRED
    assert count(VerificationLock) == 0


# ---- what a stranger learns

PAIRS = [("王小满", UNKNOWN), ("王大满", ONE), ("李沐瑶", ONE)]


@pytest.mark.parametrize(("child", "number"), PAIRS)
def test_an_unknown_phone_and_a_wrong_name_look_like_a_right_pair(
    now: datetime,
    parent: int,
    phone: Phone,
    ask: Ask,
    verify: Verify,
    new_identity: Callable[[str], int],
    child: str,
    number: str,
) -> None:
    right = ask(new_identity("other"), now, child_name="李沐瑶", phone=TWO)
    phone.sent.clear()
    wrong = ask(parent, now, child_name=child, phone=number)
    assert phone.sent == []
    assert wrong.request_id is not None
    assert (wrong.shown_code, wrong.locked_until) == (right.shown_code, right.locked_until)
    # Even the code itself is refused, like any other wrong one, and in the end locks.
    answers = [verify(parent, wrong, CODE, now) for _ in range(5)]
    assert answers[0] == CodeResult(CodeAnswer.WRONG, tries_left=4)
    assert answers[4] == CodeResult(CodeAnswer.LOCKED, locked_until=now + LOCK)


@pytest.mark.parametrize(("child", "number"), PAIRS)
def test_the_demonstration_shows_decoys_that_never_match(
    store: Store,
    now: datetime,
    parent: int,
    ask: Ask,
    verify: Verify,
    child: str,
    number: str,
) -> None:
    sent = ask(parent, now, child_name=child, phone=number, sender=DemoSmsSender(), new_code=None)
    assert sent.shown_code is not None
    assert len(sent.shown_code) == 6
    assert sent.shown_code.isdecimal()
    assert verify(parent, sent, sent.shown_code, now).answer is CodeAnswer.WRONG
    assert choices(store, parent) == []


def test_the_demonstration_shows_the_real_code_to_a_right_pair(
    now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    sent = ask(parent, now, sender=DemoSmsSender(), new_code=None)
    assert sent.shown_code is not None
    assert verify(parent, sent, sent.shown_code, now).answer is CodeAnswer.BOUND


@pytest.mark.parametrize("name", ["王 小满", " 王小满 ", "王小满\u200b"])
def test_the_name_may_be_typed_carelessly(
    now: datetime, parent: int, phone: Phone, ask: Ask, name: str
) -> None:
    ask(parent, now, child_name=name)
    assert len(phone.sent) == 1


# ---- the gateway


def test_the_real_sender_gives_the_code_to_the_gateway_alone(
    now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    bodies: list[bytes] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200)

    sender = HttpSmsSender("https://sms.example", "t0ken", httpx.MockTransport(gateway))
    sent = ask(parent, now, sender=sender)
    assert sent.shown_code is None
    assert len(bodies) == 1
    assert CODE.encode() in bodies[0]
    assert verify(parent, sent, CODE, now).answer is CodeAnswer.BOUND


def test_a_gateway_that_refuses_looks_like_a_message_that_got_lost(
    now: datetime, parent: int, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    down = httpx.MockTransport(lambda _: httpx.Response(503))
    gateway = HttpSmsSender("https://sms.example", "t0ken", down)
    known = ask(parent, now, sender=gateway)
    unknown = ask(parent, now, sender=gateway, phone="13900000000")
    assert (known.shown_code, known.locked_until) == (unknown.shown_code, unknown.locked_until)
    assert known.request_id
    assert unknown.request_id
    assert "could not be sent" in caplog.text
    assert ONE not in caplog.text
    assert CODE not in caplog.text


def test_the_code_is_sent_outside_the_transaction(
    store: Store, now: datetime, parent: int, ask: Ask
) -> None:
    seen: list[int] = []

    class Gateway(Phone):
        def send_code(self, phone: str, code: str) -> None:
            with store.begin() as session:
                seen.append(session.query(OneTimeCode).count())

    ask(parent, now, sender=Gateway())
    assert seen == [1]


@pytest.mark.usefixtures("limits")
def test_codes_to_a_phone_are_limited_whoever_asks(
    now: datetime, new_identity: Callable[[str], int], ask: Ask, phone: Phone
) -> None:
    assert ask(new_identity("a"), now).request_id
    again = ask(new_identity("b"), now + timedelta(seconds=59))
    assert (again.request_id, again.next_at) == (None, now + timedelta(minutes=1))
    assert ask(new_identity("b"), now + timedelta(minutes=1)).request_id
    assert len(phone.sent) == 2


@pytest.mark.usefixtures("limits")
def test_the_limit_tells_nothing_of_a_phone(now: datetime, parent: int, ask: Ask) -> None:
    for hours, number in ((0, ONE), (3, "13900000000")):
        later = now + timedelta(hours=hours)
        assert ask(parent, later, phone=number).request_id
        assert ask(parent, later, phone=number).next_at == later + timedelta(minutes=1)


@pytest.mark.usefixtures("limits")
def test_the_demonstration_has_no_limit(now: datetime, parent: int, ask: Ask) -> None:
    sent = [ask(parent, now, sender=DemoSmsSender()) for _ in range(12)]
    assert all(s.request_id for s in sent)


def test_the_gateway_hears_of_no_decoys(now: datetime, parent: int, ask: Ask) -> None:
    requests: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    sender = HttpSmsSender("https://sms.example", "t0ken", httpx.MockTransport(gateway))
    ask(parent, now, phone=UNKNOWN, sender=sender)
    ask(parent, now, child_name="王大满", sender=sender)
    assert requests == []


# ---- the trail


def test_the_audit_tells_who_bound_what_and_no_name_or_phone(
    store: Store, now: datetime, parent: int, ask: Ask, verify: Verify
) -> None:
    verify(parent, ask(parent, now), CODE, now)
    with store.read() as session:
        trail = list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))
    assert [entry.action for entry in trail] == ["bind"]
    for entry in trail:
        assert entry.actor == f"identity:{parent}"
        written = f"{entry.subject} {entry.detail}"
        assert "王小满" not in written
        assert ONE not in written
