"""The whole partner API, tried from its own document: no failure, no undocumented answer."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from partner_client import NOW
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from bot.desk import api, api_gate
from bot.rules.partners import Scope
from bot.services import api_keys
from bot.store.session import Store

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("BOT_TEST_API_EXAMPLES", "15"))
REFERENCES = {
    "/bookings": "A1001",
    "/authorizations": "P3002",
    "/claims": "C3002",
    "/bills": "S5001",
    "/webhooks": "W10001",
}
DOCUMENT = api.create_api().openapi()
OPERATIONS = [(method.upper(), path) for path, told in DOCUMENT["paths"].items() for method in told]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_documented(
    demo_store: Store,
    serve: Callable[[Store], TestClient],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    mode: str,
) -> None:
    key = api_keys.create(demo_store, name="core", scopes=list(Scope), actor="test", now=NOW)
    app = serve(demo_store).app
    schema = schemathesis.openapi.from_asgi(f"{api.PATH}/openapi.json", app)
    operation = schema[path][method]
    generation = schemathesis.GenerationMode(mode)
    seen: Counter[int] = Counter()
    known = REFERENCES.get("/" + path.split("/")[1], "")

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=generation))
    def try_it(case: Any) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        if sum(seen.values()) % 2:
            # Half of the time what is there, at the version that it has; else as generated.
            if "reference" in (case.path_parameters or {}):
                case.path_parameters["reference"] = known
            headers |= {"If-Match": '"1"', "Idempotency-Key": f"k{sum(seen.values())}"}
        response = case.call_and_validate(headers=headers, checks=CHECKS)
        seen[response.status_code] += 1

    try:
        try_it()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__:
            raise
        # An operation without any value cannot be asked wrongly.
        assert mode == "negative"
        return
    assert sum(seen.values()) > 0
    assert not any(status >= 500 for status in seen)
    monkeypatch.undo()


def test_the_driver_notices_an_undocumented_answer(
    demo_store: Store, serve: Callable[[Store], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = api_keys.create(demo_store, name="core", scopes=list(Scope), actor="test", now=NOW)
    app = serve(demo_store).app
    schema = schemathesis.openapi.from_asgi(f"{api.PATH}/openapi.json", app)

    async def teapot(*_: Any) -> Any:
        return api_gate.Response("I am", status_code=418)

    monkeypatch.setattr(api_gate, "_handle", teapot)
    case = schema["/bookings"]["GET"].Case()
    with pytest.raises(FailureGroup) as caught:
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
    assert "Undocumented" in str(caught.value.exceptions[0])
