"""Keys, scopes, rates, sizes, idempotency and the document of the partner API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from partner_client import NOW, Partner
from starlette.testclient import TestClient

from bot.desk import api, api_gate
from bot.rules.outbox import Rate
from bot.rules.partners import Scope
from bot.services import api_keys, idempotency
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.demo.loader import load_demo
from bot.store.models import ApiKey, ApiRequest, AuditEntry, SelfPayBill
from bot.store.session import Store

BILL = {
    "policy_number": "YX2026-000101",
    "hospital": "上海儿童医学中心国际诊疗部",
    "visited_on": "2026-11-20",
    "amount": "88.80",
}


def operations() -> list[tuple[str, str, str]]:
    """Return method, path and scope of every operation of the API."""
    paths = api.create_api().openapi()["paths"]
    return [
        (method.upper(), path, told["x-scope"])
        for path, of_path in paths.items()
        for method, told in of_path.items()
    ]


def _ask(partner: Partner, method: str, path: str) -> int:
    filled = path.replace("{reference}", "A99999").replace("{letter}", "999999")
    headers = partner.headers() | {"Idempotency-Key": f"{method}{filled}", "If-Match": '"1"'}
    return partner.client.request(method, api.PATH + filled, headers=headers).status_code


def test_every_scope_against_every_operation(partner: Partner, demo_store: Store) -> None:
    asked = operations()
    assert len(asked) >= 38
    assert {scope for _, _, scope in asked} == set(Scope)
    for scope in Scope:
        name = f"only {scope}"
        key = api_keys.create(demo_store, name=name, scopes=[scope], actor="test", now=NOW)
        only = Partner(partner.client, key)
        for method, path, needed in asked:
            status = _ask(only, method, path)
            refused = status == 403
            assert refused == (needed != scope.value), (scope, method, path, status)
            assert status not in (401, 500)


def test_without_a_key_nothing_is_answered_but_the_document(partner: Partner) -> None:
    stranger = Partner(partner.client, "yx_aaaaaaaaaa_" + "A" * 43)
    for method, path, _ in operations():
        assert _ask(stranger, method, path) == 401, path
    answer = partner.client.get(f"{api.PATH}/bookings")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "key_missing_or_wrong"
    assert partner.client.get(f"{api.PATH}/openapi.json").status_code == 200


@pytest.mark.parametrize("change", ["end", "prefix", "revoked", "over"])
def test_a_key_that_is_not_valid_is_refused(
    partner: Partner, demo_store: Store, change: str
) -> None:
    key = partner.key
    if change == "end":
        key = key[:-1] + ("A" if key[-1] != "A" else "B")
    elif change == "prefix":
        key = "yx_" + "z" * 10 + key[13:]
    elif change == "revoked":
        api_keys.revoke(demo_store, name="core", actor="test", now=NOW)
    else:
        with demo_store.begin() as session:
            session.execute(
                sa.update(ApiKey).values(created_at=NOW - timedelta(days=2), expires_at=NOW)
            )
    assert Partner(partner.client, key).get("/bookings").status_code == 401


def test_keys_are_hashed_and_noted(partner: Partner, demo_store: Store) -> None:
    assert partner.get("/bookings").status_code == 200
    (seen,) = api_keys.keys(demo_store)
    assert seen.last_used_at == NOW
    with demo_store.read() as session:
        row = session.scalars(sa.select(ApiKey)).one()
        assert partner.key not in (row.hash, row.prefix)
        assert row.prefix in partner.key
    with pytest.raises(Conflict):
        api_keys.create(demo_store, name="core", scopes=["visits:write"], actor="t", now=NOW)
    for scopes, name in (([], "a"), (["visits:fly"], "a"), (["visits:write"], "")):
        with pytest.raises(ValueError):
            api_keys.create(demo_store, name=name, scopes=scopes, actor="t", now=NOW)
    with pytest.raises(ValueError):
        api_keys.create(
            demo_store, name="a", scopes=["visits:write"], actor="t", now=NOW, expires_at=NOW
        )
    api_keys.revoke(demo_store, name="core", actor="t", now=NOW)
    with pytest.raises(Refused):
        api_keys.revoke(demo_store, name="core", actor="t", now=NOW)
    with pytest.raises(NotFound):
        api_keys.revoke(demo_store, name="nobody", actor="t", now=NOW)


def test_too_many_requests_wait(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_gate, "API_RATE", Rate(per_second=0.01, burst=3))
    assert [partner.get("/bills").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = partner.get("/bills")
    assert answer.json()["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["retry-after"]) <= 100


def test_bodies_are_bounded_and_json(partner: Partner) -> None:
    def send(content: bytes, kind: str = "application/json") -> tuple[int, str]:
        once = {"Idempotency-Key": f"b{next(partner.serial)}", "Content-Type": kind}
        answer = partner.client.post(
            f"{api.PATH}/bills", content=content, headers=partner.headers() | once
        )
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    assert send(b" " * 1_000_001) == (413, "too_large")
    assert send(b"a=b", "application/x-www-form-urlencoded") == (415, "not_json")
    assert send(b"{", "application/json") == (400, "not_json")
    assert send(b"[" * 100_000)[0] == 400
    assert send(b"[]") == (422, "invalid")
    assert send(b'{"policy_number": "\\ud800"}')[0] == 422
    assert send(b'{"amount": NaN}')[0] in (400, 422)


def test_an_unknown_path_and_method_are_problems(partner: Partner) -> None:
    for answer, status in ((partner.get("/nothing"), 404), (partner.delete("/bills"), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_failure_here_says_nothing_of_itself(
    partner: Partner, monkeypatch: pytest.MonkeyPatch, demo_store: Store
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret")

    with monkeypatch.context() as patch:
        patch.setattr("bot.services.payments.create_bill", fail)
        client = TestClient(partner.client.app, raise_server_exceptions=False)
        answer = Partner(client, partner.key).post("/bills", BILL, once="f")
        assert answer.status_code == 500
        assert answer.json()["code"] == "internal"
        assert "secret" not in answer.text
    # Nothing was done under the key, so it may be used again.
    assert partner.post("/bills", BILL, once="f").status_code == 200


def test_a_post_names_itself(partner: Partner) -> None:
    for given in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "a b"}):
        answer = partner.client.post(
            f"{api.PATH}/bills", json=BILL, headers=partner.headers() | given
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


def test_the_same_request_is_answered_alike_and_done_once(
    partner: Partner, demo_store: Store
) -> None:
    first = partner.post("/bills", BILL, once="one")
    again = partner.post("/bills", BILL, once="one")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.headers["etag"] == again.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = partner.post("/bills", BILL | {"amount": "1.00"}, once="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key")
    missing = partner.post("/bills", BILL | {"hospital": "没有"}, once="two")
    assert missing.status_code == 404
    assert partner.post("/bills", BILL | {"hospital": "没有"}, once="two").json() == missing.json()
    with demo_store.read() as session:
        rows = session.scalars(sa.select(ApiRequest)).all()
        assert all("YX2026" not in (row.answer or "") for row in rows)


def test_another_partner_may_use_the_same_name(partner: Partner, demo_store: Store) -> None:
    key = api_keys.create(demo_store, name="b", scopes=["payments:write"], actor="t", now=NOW)
    assert partner.post("/bills", BILL, once="one").status_code == 200
    other = Partner(partner.client, key).post("/bills", BILL | {"amount": "1.00"}, once="one")
    assert other.status_code == 200


def test_a_dead_request_holds_its_name_for_a_minute(demo_store: Store, partner: Partner) -> None:
    taken = {"partner": 1, "key": "k", "fingerprint": "f"}
    held = idempotency.take(demo_store, wall=NOW, **taken)
    with pytest.raises(Conflict):
        idempotency.take(demo_store, wall=NOW + timedelta(seconds=59), **taken)
    with pytest.raises(Refused):
        idempotency.take(demo_store, wall=NOW, **taken | {"fingerprint": "g"})
    second = idempotency.take(demo_store, wall=NOW + timedelta(seconds=60), **taken)
    assert isinstance(held, idempotency.Taken)
    assert isinstance(second, idempotency.Taken)
    # The one that seemed dead comes back: its answer no longer counts.
    idempotency.keep(demo_store, held, idempotency.Answer(200, {}, "first"))
    idempotency.keep(demo_store, second, idempotency.Answer(200, {}, "second"))
    found = idempotency.take(demo_store, wall=NOW, **taken)
    assert isinstance(found, idempotency.Answer)
    assert found.body == "second"
    late = NOW + timedelta(hours=49)
    assert isinstance(idempotency.take(demo_store, wall=late, **taken), idempotency.Taken)
    idempotency.forget(demo_store, wall=late + timedelta(hours=49))
    with demo_store.read() as session:
        assert session.scalars(sa.select(ApiRequest)).all() == []


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with the demonstration data on one database after the other."""
    if request.param == "sqlite":
        yield request.getfixturevalue("demo_store")
        return
    create_database = request.getfixturevalue("create_postgres")
    store = Store(create_database())
    with store.begin() as session:
        load_demo(session, date(2026, 11, 23))
    yield store
    store.dispose()


def test_the_same_request_at_once_is_done_once(
    shared: Store, serve: Callable[[Store], TestClient]
) -> None:
    key = api_keys.create(shared, name="core", scopes=list(Scope), actor="test", now=NOW)
    partner = Partner(serve(shared), key)

    def send(number: int) -> tuple[int, str]:
        answer = partner.post("/bills", BILL, once=f"r{number % 3}")
        return answer.status_code, answer.json().get("reference", answer.json().get("code"))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(24)))
    assert {status for status, _ in answers} <= {200, 409}
    assert len({told for status, told in answers if status == 200}) == 1
    with shared.read() as session:
        bills = session.scalars(
            sa.select(SelfPayBill).where(SelfPayBill.visited_on == date(2026, 11, 20))
        ).all()
        made = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "bill.create")
        ).all()
    assert len(bills) == len(made) == 1
    assert made[0].actor == "api:core"


def test_the_document_names_every_answer(partner: Partner) -> None:
    document = partner.client.get(f"{api.PATH}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, told in document["paths"].items():
        for method, one in told.items():
            needed = {"401", "403", "413", "415", "422", "429"}
            if method == "post":
                needed |= {"400", "409"}
            assert needed <= set(one["responses"]), path
            for status, answer in one["responses"].items():
                if int(status) >= 400:
                    assert set(answer["content"]) == {"application/problem+json"}, (path, status)
            assert one["security"] == [{"apiKey": []}]


def test_the_page_needs_nothing_from_elsewhere(partner: Partner) -> None:
    answer = partner.client.get(f"{api.PATH}/docs")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text
    assert not re.search(r"(src|href)=\"?(https?:)?//", answer.text)
    for _, path, scope in operations():
        assert api.PATH + path in answer.text
        assert scope in answer.text
