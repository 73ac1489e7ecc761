"""An independent Telegram Bot API server (npm's telegram-test-api) for tests, on loopback.

In front of it stands a proxy of ours that adds what that server lacks (files, pictures, typing,
the menu, pinning), gives dates in seconds as Telegram does, and counts what the bot asked for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

VERSION = "4.2.1"
TOKEN = "123456:test-token-of-the-bot"
START = """
const { TelegramServer } = require(process.argv[1]);
const port = Number(process.argv[2]);
const server = new TelegramServer({ port, host: '127.0.0.1', storeTimeout: 3600 });
server.start().then(() => console.log('ready'));
"""
WAIT_S = 20


def install(folder: Path) -> Path:
    """Install the server into a folder; return the package's."""
    npm = shutil.which("npm")
    assert npm, "npm is missing"
    package = folder / "node_modules/telegram-test-api"
    if not package.exists():
        command = [npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
        command += ["--prefix", str(folder), f"telegram-test-api@{VERSION}"]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return package


class Cloud:
    """The server, the proxy before it, and what parents do there."""

    def __init__(self, package: Path, ports: list[int]) -> None:
        """Start on two free ports."""
        self.files: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()
        self.posted: list[dict[str, Any]] = []
        self.fail: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self._inner = f"http://127.0.0.1:{ports[0]}"
        self.url = f"http://127.0.0.1:{ports[1]}"
        self._client = httpx.Client(timeout=30, trust_env=False)
        node = shutil.which("node")
        assert node, "node is missing"
        self._process = subprocess.Popen(
            [node, "-e", START, str(package / "lib/telegramServer.js"), str(ports[0])],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == b"ready"
        self._server = ThreadingHTTPServer(("127.0.0.1", ports[1]), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop both."""
        self._server.shutdown()
        self._server.server_close()
        self._process.terminate()
        self._process.wait(10)
        self._client.close()

    def client(self, path: str, body: dict[str, Any]) -> Any:
        """Ask the server as a person's app would."""
        return self._client.post(f"{self._inner}{path}", json=body).json()["result"]

    def bot(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Ask the server as a bot would; dates in seconds."""
        answer = self._client.post(f"{self._inner}{path}", json=body)
        return answer.status_code, _in_seconds(answer.json())

    def answer(self, token: str, method: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Answer a method of the Bot API."""
        self.calls[method] += 1
        if token != TOKEN:
            return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
        if self.fail.get(method):
            return self.fail[method].pop(0)
        if method == "getFile":
            name = body["file_id"]
            found = {"file_id": name, "file_unique_id": name, "file_path": f"files/{name}"}
            return 200, {"ok": True, "result": found}
        if method in ("sendPhoto", "sendDocument"):
            self.posted.append({"method": method, **body})
            body = {k: v for k, v in body.items() if k not in ("photo", "document")}
            text = f"[{method}] {body.get('caption') or ''}"
            return self.bot(f"/bot{token}/sendMessage", {**body, "text": text})
        if method in ("sendChatAction", "setMyCommands", "pinChatMessage", "answerCallbackQuery"):
            self.posted.append({"method": method, **body})
            return 200, {"ok": True, "result": True}
        if method == "editMessageReplyMarkup":
            self.posted.append({"method": method, **body})
            return 200, {"ok": True, "result": True}
        if method == "deleteWebhook":
            return 200, {"ok": True, "result": True}
        if method == "getUpdates":
            return self._updates(token, body)
        if method == "getMe":
            status, found = self.bot(f"/bot{token}/getMe", body)
            found["result"] |= {"is_bot": True, "id": int(token.partition(":")[0])}
            return status, found
        return self.bot(f"/bot{token}/{method}", body)

    def _updates(self, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        deadline = time.monotonic() + min(float(body.get("timeout") or 0), 2)
        while True:
            status, found = self.bot(f"/bot{token}/getUpdates", {})
            for update in found["result"]:
                if "callback_query" in update:
                    # Required by the Bot API, and missing in that server.
                    update["callback_query"]["chat_instance"] = "1"
            if found["result"] or time.monotonic() > deadline:
                return status, found
            time.sleep(0.05)


def _in_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: v // 1000 if k == "date" and isinstance(v, int) and v > 10**11 else _in_seconds(v)
            for k, v in value.items()
        }
    return [_in_seconds(v) for v in value] if isinstance(value, list) else value


def _handler(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: Any) -> None:
            return

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            self._send(200, cloud.files.get(name, b""), "application/octet-stream")

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            match = re.fullmatch(r"/bot([^/]+)/(\w+)", self.path)
            assert match
            body = _fields(self.headers.get("content-type", ""), content)
            try:
                status, answer = cloud.answer(match[1], match[2], body)
            except Exception as error:
                status, answer = 500, {"ok": False, "error_code": 500, "description": str(error)}
            self._send(status, json.dumps(answer).encode(), "application/json")

        def _send(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _fields(kind: str, content: bytes) -> dict[str, Any]:
    if "json" in kind:
        return dict(json.loads(content or b"{}"))
    if "multipart" in kind:
        boundary = kind.partition("boundary=")[2].encode()
        found: dict[str, Any] = {}
        for part in content.split(b"--" + boundary)[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]*)"', head)
            is_file = b"filename=" in head
            if name:
                body = value.removesuffix(b"\r\n")
                found[name[1].decode()] = body if is_file else body.decode()
        return found
    return dict(httpx.QueryParams(content.decode()))


class TelegramParent:
    """A scripted parent with an account of its own."""

    def __init__(self, cloud: Cloud, account: int) -> None:
        """Take part under an account's number."""
        self.cloud = cloud
        self.account = account
        self.heard: list[dict[str, Any]] = []
        self._who = {"id": account, "first_name": "家长", "is_bot": False}
        self._chat = {"id": account, "type": "private", "first_name": "家长"}

    def send(self, at: float | None = None, **content: Any) -> None:
        """Send a message with any content (text, contact, photo, document …)."""
        message = {
            "botToken": TOKEN,
            "from": self._who,
            "chat": self._chat,
            "date": int(at if at is not None else time.time()),
            **content,
        }
        self.cloud.client("/sendMessage", message)

    def say(self, text: str, wait: str | None = None) -> str:
        """Type a text; wait for a reply that fits, if one is wanted."""
        self.send(text=text)
        return self.hear(wait) if wait else ""

    def hear(self, pattern: str, within: float = WAIT_S) -> str:
        """Wait for a message; return its text."""
        deadline = time.monotonic() + within
        seen = len(self.heard)
        while True:
            found = self.cloud.client("/getUpdates", {"token": TOKEN, "chatId": self.account})
            self.heard += [{**one["message"], "message_id": one["messageId"]} for one in found]
            for said in self.heard[seen:]:
                if re.search(pattern, said.get("text", "")):
                    return str(said["text"])
            told = "\n".join(s.get("text", "") for s in self.heard[seen:])
            assert time.monotonic() < deadline, f"not heard: {pattern}\n{told}"
            time.sleep(0.1)

    def quiet(self, seconds: float = 1.5) -> list[str]:
        """Return what is said within a while."""
        time.sleep(seconds)
        found = self.cloud.client("/getUpdates", {"token": TOKEN, "chatId": self.account})
        self.heard += [{**one["message"], "message_id": one["messageId"]} for one in found]
        return [str(one["message"].get("text", "")) for one in found]

    def press(self, title: str, wait: str | None = None) -> str:
        """Press a button of the latest message that has it."""
        for said in reversed(self.heard):
            markup = said.get("reply_markup") or {}
            if isinstance(markup, str):
                markup = json.loads(markup)
            for row in markup.get("inline_keyboard", []):
                for button in row:
                    if button["text"] == title:
                        self.press_data(button["callback_data"], said["message_id"])
                        return self.hear(wait) if wait else ""
        raise AssertionError(f"no button {title}")

    def press_data(self, data: str, message_id: int) -> None:
        """Press a button by what it carries."""
        self.cloud.client(
            "/sendCallback",
            {
                "botToken": TOKEN,
                "from": self._who,
                "data": data,
                "message": {
                    "message_id": message_id,
                    "chat": self._chat,
                    "date": int(time.time()),
                    "text": "…",
                },
            },
        )

    def photo(self, content: bytes, *, group: str | None = None, **more: Any) -> None:
        """Send a photo, perhaps as part of an album."""
        name = f"file{len(self.cloud.files)}{os.urandom(3).hex()}"
        self.cloud.files[name] = content
        size = {"file_id": name, "file_unique_id": name, "width": 1200, "height": 1600}
        self.send(
            photo=[{**size, "file_size": len(content)}],
            **({"media_group_id": group} if group else {}),
            **more,
        )
