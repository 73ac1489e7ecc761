"""The partner API under ``/api/v1``: put together, described, and its readable page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bot.desk import (
    api_authorizations,
    api_bookings,
    api_claims,
    api_docs,
    api_imports,
    api_payments,
    api_webhooks,
)
from bot.desk.api_gate import Rates
from bot.desk.api_problems import Problem, ProblemOut, problem_of

PATH = "/api/v1"
ROUTERS = (
    api_imports.router,
    api_bookings.router,
    api_authorizations.router,
    api_claims.router,
    api_payments.router,
    api_webhooks.router,
)


async def _failed(_request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    # What happened is in the log, not in the answer.
    return (problem or Problem(500, "internal", "Something failed here; try again.")).answer()


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    if app.openapi_schema is None:
        found = get_openapi(
            title="优享小助手 Partner API",
            version="1",
            openapi_version="3.1.0",
            description="Imports, and what partners read and decide. See docs/api.md.",
            routes=app.routes,
            servers=[{"url": PATH}],
        )
        parts = found.setdefault("components", {})
        parts["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}
        template = "#/components/schemas/{model}"
        problem = ProblemOut.model_json_schema(ref_template=template)
        schemas = parts.setdefault("schemas", {})
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        app.openapi_schema = found
    return app.openapi_schema


def create_api() -> FastAPI:
    """Return the application to mount at :data:`PATH`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.rates = Rates()
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]

    async def document(_request: Request) -> JSONResponse:
        return JSONResponse(app.openapi())

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(api_docs.page(app.openapi()))

    app.router.routes += [Route("/openapi.json", document), Route("/docs", page)]
    # Starlette answers an unknown path and an unexpected failure by these.
    for kind in (404, 405, Exception):
        app.add_exception_handler(kind, _failed)
    return app
