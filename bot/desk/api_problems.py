"""What the partner API answers when it does not do what was asked (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from bot.services.errors import Conflict, NotFound, Refused

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 50
# Refusals of a value that was sent; all others are of the state that the thing is in.
OF_A_VALUE = frozenset(
    {"past", "amount", "over_limit", "reason", "full_visit", "document", "idempotency_key", "url"}
)

MEANINGS: Mapping[int, str] = {
    400: "The body is not JSON, or the Idempotency-Key header is missing or malformed.",
    401: "No API key, or none that is valid now.",
    403: "The API key lacks the scope that this operation needs.",
    404: "There is no such thing.",
    405: "There is no such operation here.",
    409: "Its state does not allow it, it was changed meanwhile, or the same request is running.",
    412: "The version in If-Match is not the present one: read again.",
    413: "The body is larger than 1 MB.",
    415: "The body is not application/json.",
    422: "A value is wrong, or the Idempotency-Key was used for another request.",
    428: "The If-Match header with the version that was read is missing.",
    429: "Too many requests: wait as Retry-After says.",
}


class FaultOut(BaseModel):
    """What is wrong with one value."""

    field: str
    message: str
    row: int | None = None


class ProblemOut(BaseModel):
    """Problem details."""

    type: str
    title: str
    status: int
    code: str = Field(description="Names the case, for programs.")
    detail: str | None = None
    errors: list[FaultOut] | None = None


class Problem(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[FaultOut] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the HTTP status, the case's name, a sentence, and what is wrong where."""
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = errors, dict(headers or {})

    def answer(self) -> JSONResponse:
        """Return the response."""
        body = ProblemOut(
            type=f"urn:youxiang:problem:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            code=self.code,
            detail=self.detail or MEANINGS.get(self.status),
            errors=list(self.errors[:MOST_FAULTS]) or None,
        )
        return JSONResponse(
            body.model_dump(exclude_none=True),
            status_code=self.status,
            headers={"Cache-Control": "no-store", **self.headers},
            media_type=MEDIA_TYPE,
        )


def problem_of(error: Exception) -> Problem | None:
    """Return what an expected failure is told as; ``None`` for any other."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        code = HTTPStatus(error.status_code).name.lower()
        return Problem(error.status_code, code, headers=error.headers)
    if isinstance(error, NotFound):
        return Problem(404, "not_found")
    if isinstance(error, Refused):
        return Problem(422 if error.reason in OF_A_VALUE else 409, error.reason)
    if isinstance(error, Conflict | StaleDataError):
        return Problem(409, "conflict")
    return None


def _invalid(error: RequestValidationError) -> Problem:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Problem(400, "not_json")
    # What was sent is not repeated: it may be personal.
    faults = [_fault(one) for one in found]
    return Problem(422, "invalid", errors=faults)


def _fault(one: Mapping[str, Any]) -> FaultOut:
    place = [part for part in one["loc"] if part != "body"]
    rows = [part for part in place if isinstance(part, int)]
    names = [str(part) for part in place if not isinstance(part, int)]
    name = ".".join(names).encode("ascii", "replace").decode()[:100]
    return FaultOut(field=name, message=str(one["msg"])[:200], row=rows[0] if rows else None)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe problems for the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        found[status] = {
            "description": MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
    if 429 in found:
        seconds = {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}
        found[429]["headers"] = {"Retry-After": {**seconds, "required": True}}
    return found
