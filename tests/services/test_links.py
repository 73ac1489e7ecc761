"""Links: opened for a quarter of an hour, and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from bot.services.errors import NotFound, Refused
from bot.services.links import LASTS, Holder, claim_form_link, read_token
from bot.settings import get_settings


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("BOT_PUBLIC_URL", "https://bot.example/")
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


def token(now: datetime) -> str:
    link = claim_form_link("C10005", 12, now)
    assert link.url.startswith("https://bot.example/files/claim-form/C10005.12.")
    assert link.until == now + timedelta(minutes=15)
    return link.url.rsplit("/", 1)[1]


def test_a_link_says_whose_it_is_until_its_time_is_over(now: datetime) -> None:
    made = token(now)
    assert read_token(made, now) == Holder("C10005", 12)
    assert read_token(made, now + LASTS - timedelta(seconds=1)) == Holder("C10005", 12)
    with pytest.raises(Refused) as caught:
        read_token(made, now + LASTS)
    assert caught.value.reason == "link_over"


def test_nothing_of_a_link_can_be_changed(now: datetime) -> None:
    made = token(now)
    data, mark = made.rsplit(".", 1)
    wrong = [
        data.replace("C10005", "C10006") + f".{mark}",
        data.replace(".12.", ".13.") + f".{mark}",
        data[:-1] + str((int(data[-1]) + 1) % 10) + f".{mark}",
        f"{data}.{mark[:-1]}" + ("A" if mark[-1] != "A" else "B"),
        data,
        f"{made}x",
        "",
        "../../etc/passwd",
        "Ｃ10005" + made[6:],
    ]
    for other in wrong:
        with pytest.raises(NotFound):
            read_token(other, now)


def test_another_secret_opens_nothing(now: datetime, settings: pytest.MonkeyPatch) -> None:
    made = token(now)
    settings.setenv("BOT_CODE_SECRET", "another")
    get_settings.cache_clear()
    with pytest.raises(NotFound):
        read_token(made, now)
