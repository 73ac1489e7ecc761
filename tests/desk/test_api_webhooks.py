"""Webhooks as a partner manages them."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from partner_client import NOW, Partner

from bot.rules.partners import MOST_DELIVERIES
from bot.services import api_keys, audit, webhooks
from bot.store.models import ApiRequest
from bot.store.session import Store

NEW = {"url": "https://partner.example.com/hook", "events": ["payment.paid"]}


def test_an_endpoint_comes_and_goes(partner: Partner, demo_store: Store) -> None:
    made = partner.post("/webhooks", NEW, once="w")
    assert made.status_code == 201
    secret = made.json().pop("secret")
    assert partner.post("/webhooks", NEW, once="w").json()["secret"] == secret
    (seen,) = partner.get("/webhooks").json()["items"]
    assert seen == {name: value for name, value in made.json().items() if name != "secret"}
    with demo_store.read() as session:
        assert secret not in session.scalars(sa.select(ApiRequest.answer)).one()
    key = api_keys.create(demo_store, name="other", scopes=["webhooks:manage"], actor="t", now=NOW)
    other = Partner(partner.client, key)
    assert other.get("/webhooks").json()["items"] == []
    assert other.delete(f"/webhooks/{seen['reference']}").status_code == 404
    assert partner.delete(f"/webhooks/{seen['reference']}").status_code == 204
    assert partner.delete(f"/webhooks/{seen['reference']}").status_code == 404


def test_wrong_endpoints_are_refused(partner: Partner) -> None:
    for change in (
        {"url": "https://10.0.0.1/"},
        {"url": "http://partner.example.com/"},
        {"events": []},
        {"events": ["everything"]},
    ):
        assert partner.post("/webhooks", NEW | change).status_code == 422


def test_a_dead_letter_is_listed_and_replayed(partner: Partner, demo_store: Store) -> None:
    partner.post("/webhooks", NEW)
    with demo_store.begin() as session:
        audit.record(session, at=NOW, actor="t", action="payment.paid", subject="S5001")
    wall = NOW
    for _ in range(MOST_DELIVERIES):
        (taken,) = webhooks.claim(demo_store, owner="a", wall=wall)
        webhooks.failed(demo_store, taken, status=None, problem="ConnectError", wall=wall)
        wall += timedelta(hours=6)
    (dead,) = partner.get("/webhooks/dead-letters").json()["items"]
    assert (dead["kind"], dead["problem"]) == ("payment.paid", "ConnectError")
    path = f"/webhooks/dead-letters/{dead['id']}/replay"
    key = api_keys.create(demo_store, name="other", scopes=["webhooks:manage"], actor="t", now=NOW)
    assert Partner(partner.client, key).post(path).status_code == 404
    assert partner.post(path, once="r").json() == {"id": dead["id"]}
    assert partner.post(path, once="r").json() == {"id": dead["id"]}
    assert partner.post(path).status_code == 404
    assert partner.get("/webhooks/dead-letters").json()["items"] == []
