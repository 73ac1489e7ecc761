"""Runs conversations written in YAML against a running bot over the REST channel.

A file holds a list of conversations::

    - name: books a visit
      kind: happy path            # one of KINDS
      now: "2026-11-23T10:00:00+08:00"   # one of the clocks that the suite starts a bot for
      steps:
        - user: 我要预约            # what the parent types, or a button's payload
          says: [哪家医院]           # regular expressions, all found in the joined replies
          never: [undefined]        # none found
          buttons: [上午]            # titles that must be offered
          pictures: [电子保险卡]      # regular expressions: pictures that say this in words
          keep: {code: '验证码[:：](\\d{6})'}   # first group, used later as {code}
        - press: 上午               # or: press a button offered in the last reply, by its title
        - user: 那我下午过去             # or: while a person has the conversation, who says nothing
          silent: true              # at once; what comes is waited for with arrives:
        - repeat: true              # or: send the last message again
        - pay: '(http\\S+)'           # or: pay at the page of the last reply, say nothing
        - upload: invoice.jpg       # or: send a file of tests/pictures.py; several as a list
          count: 2                  # that many different ones
          seed: 7                   # the first's; every conversation has pictures of its own
        - account: grandma          # go on as another chat account; the first is called "me"
          bind: [name, phone]       # bound first, if it is not yet
        - staff: appointments confirm {ref}   # or: staff run `bot staff …`; says: in what it prints
        - arrives: [预约确认了]       # or: wait for a message that comes by itself; its buttons can
          never: [提醒]              # be pressed, and never: is found in no such message so far

``bind: [name, phone]`` before ``steps`` binds the chat account first.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import time
import uuid
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("pictures", HERE.parent / "pictures.py")
assert _spec
assert _spec.loader
pictures = importlib.util.module_from_spec(_spec)
sys.modules["pictures"] = pictures
_spec.loader.exec_module(pictures)
KINDS = {
    "happy path",
    "correction",
    "digression",
    "cancellation",
    "negation",
    "invalid path",
    "human after two clarifications",
    "failure",
    "privacy",
}
WAIT_S = 10
STAFF = [sys.executable, "-c", "from bot.cli import app; app()", "staff", "--actor", "陈"]
DEFAULT_NOW = "2026-11-23T10:00:00+08:00"


@dataclass(frozen=True)
class Conversation:
    """One scripted conversation."""

    name: str
    kind: str
    now: str
    steps: list[dict[str, Any]]
    bind: list[str] | None
    file: str


@dataclass
class Parent:
    """A scripted parent with a chat account of its own."""

    url: str
    sender: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex}")
    replies: list[dict[str, Any]] = field(default_factory=list)
    last: str = ""
    kept: dict[str, str] = field(default_factory=dict)
    transcript: list[str] = field(default_factory=list)
    arrived: list[dict[str, Any]] = field(default_factory=list)
    unread: list[dict[str, Any]] = field(default_factory=list)

    def send(self, text: str) -> str:
        """Send a message; return the replies' texts, joined."""
        self.last = text
        answer = httpx.post(
            f"{self.url}/webhooks/rest/webhook",
            json={"sender": self.sender, "message": text},
            timeout=60,
        )
        return self._heard(answer, text)

    def upload(self, names: list[str], seed: int) -> str:
        """Send files; return the replies' texts, joined."""
        answer = httpx.post(
            f"{self.url}/webhooks/rest/upload",
            data={"sender": self.sender},
            files=[
                ("file", (f"IMG_{seed + n}.{name.rpartition('.')[2]}", content))
                for n, name in enumerate(names)
                for content in [pictures.fixture(name, seed + n)]
            ],
            timeout=60,
        )
        return self._heard(answer, f"[{', '.join(names)}]")

    def _heard(self, answer: httpx.Response, text: str) -> str:
        answer.raise_for_status()
        self.replies = answer.json()
        said = "\n".join(reply.get("text", "") for reply in self.replies)
        self.transcript += [f"家长> {text}", f"助手> {said}  {self.buttons()}"]
        return said

    def fetch(self) -> list[dict[str, Any]]:
        """Return what the bot has said by itself since the last time."""
        after = self.arrived[-1]["id"] if self.arrived else 0
        answer = httpx.get(
            f"{self.url}/webhooks/rest/messages",
            params={"sender": self.sender, "after": after},
            timeout=60,
        )
        answer.raise_for_status()
        new: list[dict[str, Any]] = answer.json()
        self.arrived += new
        self.transcript += [f"助手（主动）> {message['text']}" for message in new]
        return new

    def buttons(self) -> dict[str, str]:
        """Return the buttons of the last replies: title to payload."""
        return {b["title"]: b["payload"] for r in self.replies for b in r.get("buttons", [])}

    def bind(self, name: str, phone: str) -> None:
        """Bind this account the way a parent does."""
        self.send("我要绑卡")
        self.send(name)
        said = self.send(phone)
        code = re.search(r"验证码[:：](\d{6})", said)
        assert code, "\n".join(self.transcript)
        said = self.send(code.group(1))
        assert "绑定成功" in said, "\n".join(self.transcript)


def load() -> list[Conversation]:
    """Return all conversations of this folder, in order."""
    found = []
    for path in sorted(HERE.glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(
                Conversation(
                    entry["name"],
                    entry["kind"],
                    entry.get("now", DEFAULT_NOW),
                    entry["steps"],
                    entry.get("bind"),
                    path.name,
                )
            )
    return found


def play(conversation: Conversation, url: str, var: Path | None = None) -> None:
    """Play a conversation; raise AssertionError with the transcript where it goes astray.

    ``var`` is the bot's folder, needed where staff do something.
    """
    first = parent = Parent(url)
    if conversation.bind:
        parent.bind(*conversation.bind)
    accounts = {"me": parent}
    for step in conversation.steps:
        if "account" in step:
            parent = accounts.setdefault(
                step["account"], Parent(url, kept=first.kept, transcript=first.transcript)
            )
            parent.transcript.append(f"({step['account']})")
            if "bind" in step:
                parent.bind(*step["bind"])
        elif "staff" in step:
            assert var is not None, "staff need the bot's folder"
            _staff(step, parent, conversation.now, var)
        elif "arrives" in step:
            _await(step, parent)
        elif "pay" in step:
            _pay(step["pay"], parent)
        elif "upload" in step:
            named = step["upload"]
            names = named if isinstance(named, list) else [named] * step.get("count", 1)
            # Another conversation's pictures are other pictures.
            own = zlib.crc32(conversation.name.encode()) % 1_000_000
            _check(step, parent.upload(names, own + 100 * step.get("seed", 0)), parent)
        else:
            _check(step, parent.send(_text(step, parent)), parent)


def _pay(pattern: str, parent: Parent) -> None:
    said = "\n".join(reply.get("text", "") for reply in parent.replies)
    found = re.search(pattern, said)
    assert found, _told(parent, f"no page to pay at: {pattern}")
    page = httpx.get(found[1], timeout=60)
    assert page.status_code == 200, _told(parent, f"{found[1]}: {page.status_code}")
    done = httpx.post(found[1], timeout=60)
    assert "已付清" in done.text, _told(parent, done.text)
    parent.transcript.append(f"家长付款 {found[1]}")


def _staff(step: dict[str, Any], parent: Parent, now: str, var: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("BOT_")}
    command = _filled(str(step["staff"]), parent)
    done = subprocess.run(
        [*STAFF, *shlex.split(command)],
        env=environ | {"BOT_VAR": str(var), "BOT_NOW": now},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    parent.transcript.append(f"客服> {command}\n{said}")
    failed = bool(step.get("fails"))
    assert bool(done.returncode) == failed, _told(parent, f"status {done.returncode}")
    for pattern in step.get("says", []):
        assert re.search(_filled(pattern, parent), said), _told(parent, f"not said: {pattern}")
    _keep(step, said, parent)


def _await(step: dict[str, Any], parent: Parent) -> None:
    wanted = [_filled(pattern, parent) for pattern in step["arrives"]]
    deadline = time.monotonic() + WAIT_S
    while True:
        parent.unread += parent.fetch()
        found = [m for m in parent.unread if all(re.search(p, m["text"]) for p in wanted)]
        if found:
            # What came after it is waited for by the next step.
            parent.unread = [m for m in parent.unread if m["id"] > found[-1]["id"]]
            break
        assert time.monotonic() < deadline, _told(parent, f"did not arrive: {wanted}")
        time.sleep(0.3)
    parent.replies = found[-1:]
    for pattern in step.get("never", []):
        for message in parent.arrived:
            assert not re.search(_filled(pattern, parent), message["text"]), _told(parent, pattern)
    for title in step.get("buttons", []):
        assert title in parent.buttons(), _told(parent, f"no button {title!r}")
    _keep(step, found[-1]["text"], parent)


def _filled(text: str, parent: Parent) -> str:
    for name, value in parent.kept.items():
        text = text.replace("{" + name + "}", value)
    return text


def _keep(step: dict[str, Any], said: str, parent: Parent) -> None:
    for name, pattern in step.get("keep", {}).items():
        match = re.search(pattern, said)
        assert match, _told(parent, f"nothing to keep for {name}")
        parent.kept[name] = match.group(1)


def _text(step: dict[str, Any], parent: Parent) -> str:
    if step.get("repeat"):
        return parent.last
    if "press" in step:
        offered = parent.buttons()
        assert step["press"] in offered, _told(parent, f"no button {step['press']!r}")
        return offered[step["press"]]
    return _filled(str(step["user"]), parent)


def _check(step: dict[str, Any], said: str, parent: Parent) -> None:
    if step.get("silent"):
        assert not parent.replies, _told(parent, "the bot must be silent")
        return
    assert said.strip() or parent.buttons(), _told(parent, "no reply")
    for pattern in step.get("says", []):
        assert re.search(_filled(pattern, parent), said), _told(parent, f"not said: {pattern}")
    for pattern in step.get("never", []):
        assert not re.search(pattern, said), _told(parent, f"must not be said: {pattern}")
    for title in step.get("buttons", []):
        assert title in parent.buttons(), _told(parent, f"no button {title!r}")
    shown = [str(reply.get("alt")) for reply in parent.replies if reply.get("image")]
    for pattern in step.get("pictures", []):
        assert any(re.search(pattern, alt) for alt in shown), _told(
            parent, f"no {pattern}: {shown}"
        )
    _keep(step, said, parent)


def _told(parent: Parent, problem: str) -> str:
    return "\n".join([problem, *parent.transcript])
