"""Chat accounts and the policies that they have proven to be theirs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.services.errors import NotBound, NotFound
from bot.services.identity import (
    PolicyChoice,
    bound_policies,
    choices,
    choose,
    identify,
    own_policy,
    policy_ids,
)
from bot.store.models import ChatIdentity
from bot.store.session import ReadOnlyError, Store

ONE, ONE_NUMBER = "13800000101", "YX2026-000101"
TWO, TWO_NUMBERS = "13800000201", ["YX2026-000201", "YX2026-000202"]


def test_an_account_is_the_same_each_time_and_another_in_each_channel(
    store: Store, count: Callable[..., int]
) -> None:
    first = identify(store, "rest", "parent")
    again = identify(store, "rest", "parent")
    elsewhere = identify(store, "telegram", "parent")
    assert first == again
    assert (first.channel, first.account) == ("rest", "parent")
    assert elsewhere.id != first.id
    assert count(ChatIdentity) == 2


def test_first_messages_that_race_make_one_account(store: Store, count: Callable[..., int]) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: identify(store, "rest", "parent"), range(16)))
    assert len(found) == 1
    assert count(ChatIdentity) == 1


def test_a_new_account_sees_nothing(store: Store, new_identity: Callable[[str], int]) -> None:
    stranger = new_identity("stranger")
    assert choices(store, stranger) == []
    with store.read() as session:
        assert policy_ids(session, stranger) == []
        with pytest.raises(NotBound):
            own_policy(session, stranger, ONE_NUMBER)


def test_all_children_of_a_bound_phone_are_seen_and_nobody_elses(
    store: Store, bound: Callable[..., int]
) -> None:
    parent = bound(TWO)
    assert choices(store, parent) == [
        PolicyChoice("YX2026-000201", "李沐宸", "成长计划"),
        PolicyChoice("YX2026-000202", "李沐瑶", "成长PLUS计划"),
    ]
    with store.read() as session:
        assert len(policy_ids(session, parent)) == 2
        assert len(policy_ids(session, parent, "YX2026-000202")) == 1
        assert policy_ids(session, parent, ONE_NUMBER) == []


def test_several_households_are_listed_in_the_order_of_binding(
    store: Store, bound: Callable[..., int]
) -> None:
    parent = bound(TWO, ONE)
    with store.read() as session:
        numbers = [policy.number for policy in bound_policies(session, parent)]
    assert numbers == [*TWO_NUMBERS, ONE_NUMBER]


def test_binding_one_account_opens_nothing_to_another(
    store: Store, bound: Callable[..., int], new_identity: Callable[[str], int]
) -> None:
    bound(ONE, account="mother")
    assert choices(store, new_identity("father")) == []
    assert [c.child for c in choices(store, bound(ONE, account="father"))] == ["王小满"]


def test_someone_elses_number_and_a_made_up_one_fail_alike(
    store: Store, bound: Callable[..., int]
) -> None:
    parent = bound(TWO)
    with store.read() as session:
        assert own_policy(session, parent, "YX2026-000201").child.name == "李沐宸"
        for number in (ONE_NUMBER, "YX2026-999999"):
            with pytest.raises(NotFound):
                own_policy(session, parent, number)


def test_choosing_a_policy_is_kept_with_the_account(
    store: Store, bound: Callable[..., int]
) -> None:
    parent = bound(TWO)
    chosen = choose(store, parent, "YX2026-000202")
    assert chosen == PolicyChoice("YX2026-000202", "李沐瑶", "成长PLUS计划")
    with store.read() as session:
        expected = own_policy(session, parent, "YX2026-000202").id
        assert session.get(ChatIdentity, parent).current_policy_id == expected


def test_only_a_bound_policy_can_be_chosen(store: Store, bound: Callable[..., int]) -> None:
    with pytest.raises(NotBound):
        choose(store, bound(account="stranger"), ONE_NUMBER)
    parent = bound(TWO)
    with pytest.raises(NotFound):
        choose(store, parent, ONE_NUMBER)
    with store.read() as session:
        assert session.get(ChatIdentity, parent).current_policy_id is None


def test_reading_never_writes(
    store: Store, bound: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = bound(TWO)

    def refuse() -> None:
        pytest.fail("a read began a transaction for writing")

    monkeypatch.setattr(store, "begin", refuse)
    assert identify(store, "rest", "parent").id == parent
    assert len(choices(store, parent)) == 2


def test_a_read_refuses_changes(store: Store, bound: Callable[..., int]) -> None:
    parent = bound(TWO)
    with pytest.raises(ReadOnlyError), store.read() as session:
        own_policy(session, parent, "YX2026-000201").number = ONE_NUMBER
    assert [c.number for c in choices(store, parent)] == TWO_NUMBERS
