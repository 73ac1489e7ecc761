"""The copy of what is stored: complete for its parent, empty of everybody else, short-lived."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services.binding import request_code
from bot.services.complaints import file_complaint
from bot.services.consultations import request_phone_consultation
from bot.services.data_export import (
    LINK_LIVES,
    counts,
    fetch_export,
    request_export,
    stored_about,
)
from bot.services.errors import NotFound
from bot.services.sms import DemoSmsSender
from bot.store.files import FileStore
from bot.store.models import AuditEntry, ConversationEvent, DataRequest
from bot.store.session import Store

ONE, TWO, THREE = "13800000101", "13800000201", "13800000301"
SECRET = "a secret of the tests"
Bound = Callable[..., int]


def say(store: Store, sender: str, text: str, channel: str, now: datetime) -> None:
    data = {"event": "user", "text": text, "input_channel": channel}
    with store.begin() as session:
        session.add(ConversationEvent(sender_id=sender, at=now, type_name="user", data=data))


def about(store: Store, identity_id: int, now: datetime) -> dict[str, Any]:
    collected = stored_about(store, identity_id=identity_id, now=now)
    # What cannot be written as JSON would be lost.
    again: dict[str, Any] = json.loads(json.dumps(collected))
    return again


def test_policies_visits_and_appointments_of_the_bound_are_told(
    store: Store, now: datetime, bound: Bound
) -> None:
    found = about(store, bound(ONE), now)
    assert found["account"][0]["account"] == "parent"
    assert found["binding"] == [
        {
            "phone": "138****0101",
            "verified_at": "2026-11-23T10:00:00+08:00",
            "policies": ["YX2026-000101"],
        }
    ]
    (policy,) = found["policy"]
    assert (policy["child"], policy["plan"]) == ("王小满", "优享PLUS计划")
    assert {v["total"] for v in found["visit"]} == {"860.00", "1200.50"}
    assert found["visit"][0]["policy"] == "YX2026-000101"
    assert "诊所" in found["visit"][0]["hospital"]
    assert [a["reference"] for a in found["appointment"]] == ["A1001"]
    assert {"benefit": "outpatient", "used": "3560.50", "policy": "YX2026-000101"} in found[
        "benefit_use"
    ]


def test_claims_come_with_their_checklists_and_authorizations(
    store: Store, now: datetime, bound: Bound
) -> None:
    found = about(store, bound(THREE), now)
    assert {c["reference"] for c in found["claim"]} == {"C3001", "C3002", "C3003"}
    assert {r["document"] for r in found["claim_requirement"]} >= {"itemised_bill", "claim_form"}
    assert {a["reference"] for a in found["prior_authorization"]} == {"P3001", "P3002"}


def test_nothing_of_another_family_is_in_it(store: Store, now: datetime, bound: Bound) -> None:
    parent, _ = bound(ONE), bound(TWO, THREE, account="other")
    text = json.dumps(about(store, parent, now), ensure_ascii=False)
    for strange in ("李沐", "陈一诺", "YX2026-000201", "C3001", "P3001", TWO, THREE):
        assert strange not in text


def test_what_family_members_said_and_filed_stays_theirs(
    store: Store, now: datetime, bound: Bound
) -> None:
    mother, father = bound(ONE, account="mother"), bound(ONE, account="father")
    say(store, "father", "别告诉她", "rest", now)
    file_complaint(store, identity_id=father, kind="complaint", text="家里的事", now=now)
    request_phone_consultation(
        store, identity_id=father, number="YX2026-000101", symptom="失眠", phone=ONE, now=now
    )
    text = json.dumps(about(store, mother, now), ensure_ascii=False)
    for word in ("别告诉她", "家里的事", "失眠"):
        assert word not in text
        assert word in json.dumps(about(store, father, now), ensure_ascii=False)


def test_an_account_of_the_same_name_in_another_channel_said_something_else(
    store: Store, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE)
    say(store, "parent", "我说的", "rest", now)
    say(store, "parent", "别人说的", "telegram", now)
    say(store, "rest:parent", "后来说的", "rest", now)
    said = [one["text"] for one in about(store, parent, now)["said"]]
    assert said == ["我说的", "后来说的"]


def test_secrets_and_what_staff_note_are_left_out(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE)
    request_code(
        store,
        DemoSmsSender(),
        SECRET,
        identity_id=parent,
        child_name="王小满",
        phone=ONE,
        now=now,
    )
    file_complaint(store, identity_id=parent, kind="complaint", text="太慢", now=now)
    request_export(store, files, SECRET, identity_id=parent, now=now)
    found = about(store, parent, now)
    assert "one_time_code" not in found
    assert "audit_entry" not in found
    assert found["complaint"][0]["text"] == "太慢"
    assert "note" not in found["handoff"][0]
    keys = {key for rows in found.values() if isinstance(rows, list) for row in rows for key in row}
    assert not {k for k in keys if "key" in k or "hash" in k or "secret" in k}
    assert ONE not in json.dumps(found)


def test_an_unbound_account_gets_its_own_words_alone(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    stranger = new_identity("stranger")
    say(store, "stranger", "在吗", "rest", now)
    assert counts(stored_about(store, identity_id=stranger, now=now)) == {"account": 1, "said": 1}


def test_the_copy_is_fetched_with_its_token_until_it_expires(
    store: Store, files: FileStore, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent = bound(ONE)
    made = request_export(store, files, SECRET, identity_id=parent, now=now)
    assert (made.reference, made.expires_at) == ("D10001", now + LINK_LIVES)
    assert made.counts["visit"] == 2
    reference, content = fetch_export(store, files, SECRET, token=made.token, now=now)
    assert reference == made.reference
    assert json.loads(content) == about(store, parent, now) | {"data_request": []}
    with pytest.raises(NotFound):
        fetch_export(store, files, SECRET, token=made.token, now=made.expires_at)
    assert count(AuditEntry, action="data.fetch") == 1


def test_a_token_that_is_not_ours_opens_nothing(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    made = request_export(store, files, SECRET, identity_id=bound(ONE), now=now)
    name, _, signature = made.token.partition(".")
    for token in (
        name,
        f"{name}.",
        f"{name}.{'0' * 64}",
        f"x.{signature}",
        "",
        "一.二",
        made.token,
    ):
        secret = "another" if token == made.token else SECRET
        with pytest.raises(NotFound):
            fetch_export(store, files, secret, token=token, now=now)


def test_a_new_copy_withdraws_the_one_before(
    store: Store, files: FileStore, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent = bound(ONE)
    first = request_export(store, files, SECRET, identity_id=parent, now=now)
    second = request_export(store, files, SECRET, identity_id=parent, now=now)
    with pytest.raises(NotFound):
        fetch_export(store, files, SECRET, token=first.token, now=now)
    assert fetch_export(store, files, SECRET, token=second.token, now=now)[0] == "D10002"
    assert len(list(files.stored())) == 1
    assert count(DataRequest, kind="export", status="done") == 2


def test_expired_copies_are_deleted_with_the_next_request(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    request_export(store, files, SECRET, identity_id=bound(ONE, account="mother"), now=now)
    later = now + LINK_LIVES + timedelta(minutes=1)
    request_export(store, files, SECRET, identity_id=bound(TWO, account="other"), now=later)
    assert len(list(files.stored())) == 1
    with store.read() as session:
        keys = session.scalars(sa.select(DataRequest.storage_key)).all()
    assert [key is None for key in keys] == [True, False]


def test_a_file_that_is_gone_is_not_found(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    made = request_export(store, files, SECRET, identity_id=bound(ONE), now=now)
    for name, _ in list(files.stored()):
        files.delete(name)
    with pytest.raises(NotFound):
        fetch_export(store, files, SECRET, token=made.token, now=now)


def test_there_is_no_such_account(store: Store, now: datetime) -> None:
    with pytest.raises(NotFound):
        stored_about(store, identity_id=99, now=now)
