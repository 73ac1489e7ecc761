"""A partner's program, for the tests of the partner API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import httpx
from starlette.testclient import TestClient

from bot.clock import TZ
from bot.desk import api

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@dataclass
class Partner:
    """A partner's program."""

    client: TestClient
    key: str
    serial: Iterator[int] = field(default_factory=lambda: count(1))

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(api.PATH + path, params=params, headers=self.headers())

    def delete(self, path: str) -> httpx.Response:
        return self.client.delete(api.PATH + path, headers=self.headers())

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        version: int | None = None,
        once: str | None = None,
        **params: Any,
    ) -> httpx.Response:
        headers = self.headers() | {"Idempotency-Key": once or f"k{next(self.serial)}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.client.post(api.PATH + path, json=body, headers=headers, params=params)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}
