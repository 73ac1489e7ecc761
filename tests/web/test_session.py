"""Sessions: made by the server alone; nobody can choose, change or guess one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from bot.clock import TZ
from bot.settings import Settings, load_settings
from bot.web.app import create_app
from bot.web.session import LIVES, create, end, keep, read

WALL = datetime(2026, 11, 23, 10, tzinfo=TZ)
DEMO = load_settings({})
PRODUCTION = load_settings(
    {
        "BOT_ENV": "production",
        "BOT_SMS_URL": "https://sms.example/send",
        "BOT_CODE_SECRET": "a secret of our own",
        "BOT_FILES_KEY": "a secret of our own for all the files",
        "BOT_PUBLIC_URL": "https://bot.example",
    }
)
EMBEDDED = load_settings({"BOT_WEB_EMBED_ORIGINS": "https://www.example.com https://m.example.com"})


def cookie(settings: Settings = DEMO, wall: datetime = WALL) -> tuple[str, str, list[str]]:
    response = Response()
    session = create(wall)
    keep(response, session, settings, wall)
    pair, *flags = response.headers["set-cookie"].split("; ")
    kind, _, value = pair.partition("=")
    return kind, value, flags


def of(
    value: str, settings: Settings = DEMO, wall: datetime = WALL, kind: str = "youxiang"
) -> object:
    headers = [(b"cookie", f"{kind}={value}".encode())]
    found = read(Request({"type": "http", "headers": headers}), settings, wall)
    return found.account if found else None


def test_a_session_is_random_and_read_again() -> None:
    kind, value, _ = cookie()
    assert of(value, kind=kind) == value.split(".")[0]
    assert len({cookie()[1].split(".")[0] for _ in range(100)}) == 100
    assert len(value.split(".")[0]) == 32


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    kind, _, flags = cookie()
    assert kind == "youxiang"
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert "Secure" not in flags


def test_in_production_it_is_sent_over_https_alone() -> None:
    kind, _, flags = cookie(PRODUCTION)
    assert kind == "__Host-youxiang"
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert not [flag for flag in flags if flag.startswith("Domain")]


def test_within_the_insurers_own_pages_it_is_sent_too() -> None:
    kind, _, flags = cookie(EMBEDDED)
    assert kind == "__Host-youxiang"
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(flags)


def test_nobody_can_change_or_make_one() -> None:
    _, value, _ = cookie()
    account, made, mark = value.split(".")
    other = cookie()[1].split(".")
    forged = [
        f"{other[0]}.{made}.{mark}",
        f"{account}.{int(made) + 1}.{mark}",
        f"{account}.{made}.{other[2]}",
        f"{account}.{made}.",
        f"{account}.{made}",
        f"{account}.{made}.{mark}=",
        f"{account}.{made}.{mark.swapcase()}",
        f" {value}x",
        f"{value}\u0661",
        account,
        "",
        "admin",
        f"{'a' * 32}.0.{'A' * 43}",
    ]
    # Marked with no key, and with the name of another use of the same secret.
    for key, named in ((b"", "web session "), (b"demo-only-code-secret", "claim form ")):
        digest = hmac.new(key, f"{named}{account}.{made}".encode(), hashlib.sha256).digest()
        forged.append(f"{account}.{made}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}")
    assert [of(one) for one in forged] == [None] * len(forged)
    assert of(value) == account


@given(
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=';,"'), max_size=120
    )
)
def test_nothing_else_is_a_session(value: str) -> None:
    assert of(value) is None


def test_another_secret_knows_none_of_them() -> None:
    _, value, _ = cookie()
    assert of(value, load_settings({"BOT_CODE_SECRET": "another"})) is None


def test_a_session_ends_after_half_a_year_without_a_visit() -> None:
    _, value, _ = cookie()
    assert of(value, wall=WALL + LIVES) is not None
    assert of(value, wall=WALL + LIVES + timedelta(seconds=1)) is None
    assert of(value, wall=WALL - timedelta(hours=1)) is None


def test_ending_takes_the_cookie_away() -> None:
    response = Response()
    end(response, DEMO)
    assert response.headers["set-cookie"].startswith("youxiang=; Path=/; Max-Age=0")


@pytest.mark.parametrize("chosen", ["chosen-by-me", "a" * 32, f"{'a' * 32}.1.{'b' * 43}"])
def test_whoever_brings_a_session_of_their_own_gets_another(chosen: str) -> None:
    with TestClient(create_app(DEMO)) as client:
        response = client.get("/", headers={"cookie": f"youxiang={chosen}"})
        assert response.headers["set-cookie"].startswith("youxiang=")
        assert chosen not in response.headers["set-cookie"]
        assert (
            client.get("/chat/history", headers={"cookie": f"youxiang={chosen}"}).status_code == 401
        )


def test_a_session_stays_and_is_renewed_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = WALL
    monkeypatch.setattr("bot.web.page.clock.wall", lambda: wall)
    with TestClient(create_app(DEMO)) as client:
        first = client.get("/").headers["set-cookie"].partition("=")[2].split(".")[0]
        assert "set-cookie" not in client.get("/").headers
        wall = WALL + timedelta(days=2)
        again = client.get("/").headers["set-cookie"].partition("=")[2].split(".")[0]
    assert first == again
