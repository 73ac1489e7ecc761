"""The page: what it says, what it needs, and what a browser may do with it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bot.services import web_chat
from bot.settings import ROOT, Settings, load_settings
from bot.texts import texts
from bot.web.app import create_app
from bot.web.page import policy

STATIC = ROOT / "bot" / "web" / "static"
PRODUCTION = {
    "BOT_ENV": "production",
    "BOT_SMS_URL": "https://sms.example/send",
    "BOT_CODE_SECRET": "a secret of our own",
    "BOT_FILES_KEY": "a secret of our own for all the files",
    "BOT_PUBLIC_URL": "https://bot.example",
}


def page(settings: Settings) -> str:
    with TestClient(create_app(settings)) as client:
        return client.get("/").text


def test_it_says_what_it_is_and_whom_to_call(settings: Settings) -> None:
    text = page(settings)
    for said in ("不是医生", 'href="tel:120"', "021-80209058", "查额度", "转人工"):
        assert said in text
    assert "<!--" not in text


def test_only_the_demonstration_says_so(settings: Settings) -> None:
    assert 'class="demo"' in page(settings)
    assert "演示" not in page(load_settings(PRODUCTION))


def test_nothing_is_inline_and_nothing_from_elsewhere(settings: Settings) -> None:
    text = page(settings)
    assert re.findall(r"<script[^>]*>[^<]", text) == []
    assert re.findall(r"\son\w+=|\sstyle=|<style", text) == []
    assert re.findall(r'(?:src|href)="(?!/|tel:)[^"]*"', text) == []
    for path in re.findall(r'(?:src|href)="(/[^"#]*)', text):
        with TestClient(create_app(settings)) as client:
            assert client.get(path).status_code == 200


def test_the_scripts_never_make_html_of_a_text() -> None:
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|srcdoc"
    )
    for path in STATIC.glob("*.js"):
        assert not banned.search(path.read_text("utf-8")), path.name


def test_the_scripts_say_nothing_of_their_own(settings: Settings) -> None:
    text = page(settings)
    for path in STATIC.glob("*.js"):
        source = re.sub(r"//[^\n]*", "", path.read_text("utf-8"))
        found = set(re.findall(r"[一-鿿]+", source))
        # Who is called in an emergency is recognised by these.
        assert found <= {"拨打叫", "打"}, path.name
        for word in re.findall(r'word\("(\w+)"', source):
            assert f'data-word="{word}"' in text


def test_every_word_of_the_document_is_said(settings: Settings) -> None:
    sources = "".join(path.read_text("utf-8") for path in STATIC.glob("*.js"))
    for word in re.findall(r'data-word="(\w+)"', page(settings)):
        assert f'"{word}"' in sources or f"${{{word}}}" in sources, word


def test_the_policy_lets_a_browser_do_nothing_else(client: TestClient) -> None:
    response = client.get("/")
    given = response.headers["content-security-policy"]
    assert given.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in given
    assert "require-trusted-types-for 'script'" in given
    assert "frame-ancestors 'none'" in given
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_only_named_sites_may_hold_it_in_a_frame() -> None:
    found = policy(
        load_settings({"BOT_WEB_EMBED_ORIGINS": "https://a.example https://b.example:8443"})
    )
    assert "frame-ancestors 'self' https://a.example https://b.example:8443;" in found


def test_the_menu_has_icons_and_sends_what_the_dialogue_knows(settings: Settings) -> None:
    icons = (STATIC / "icons.svg").read_text("utf-8")
    domain = (ROOT / "domain.yml").read_text("utf-8")
    for name in ("page_chat_menu", "page_chat_first"):
        for button in texts()[name].buttons:
            assert f'id="{button["icon"]}"' in icons
            assert re.search(rf"^\s*- {button['payload'][1:]}\b", domain, re.MULTILINE)
            assert len(button["title"]) <= 4
    drawn = Counter(re.findall(r'symbol id="([\w-]+)"', icons))
    assert set(drawn.values()) == {1}
    payloads = [button["payload"] for button in web_chat.menu()]
    assert len(payloads) == len(set(payloads))
    assert {one["payload"] for one in texts()["page_chat_first"].buttons} <= set(payloads)
    assert page(settings).count("data-payload=") == len(payloads) + 4


def test_the_templates_are_not_served(client: TestClient) -> None:
    for path in ("/page/chat.html", "/page/../templates/chat.html", "/page/%2e%2e/page.py"):
        assert client.get(path).status_code == 404


def test_a_part_is_asked_for_anew(client: TestClient) -> None:
    response = client.get("/page/main.js")
    assert response.headers["cache-control"] == "no-cache"
    assert "javascript" in response.headers["content-type"]
    unchanged = client.get("/page/main.js", headers={"if-none-match": response.headers["etag"]})
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    "origin",
    ["http://a.example", "a.example", "https://a.example/x", "*", "https://*", "https://a;x"],
)
def test_sites_are_named_in_full(origin: str) -> None:
    with pytest.raises(ValueError, match="BOT_WEB_EMBED_ORIGINS"):
        load_settings({"BOT_WEB_EMBED_ORIGINS": origin})


def test_the_files_of_the_page_are_small() -> None:
    size = sum(path.stat().st_size for path in Path(STATIC).iterdir())
    assert size < 80_000
