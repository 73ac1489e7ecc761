"""Parents in Telegram, from end to end: our processes, and a Bot API server that is not ours."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

cloud_module = sys.modules["telegram_cloud"]
root = sys.modules["root_conftest"]
_spec = importlib.util.spec_from_file_location(
    "pictures", Path(__file__).parents[1] / "pictures.py"
)
assert _spec
assert _spec.loader
pictures = sys.modules.setdefault("pictures", importlib.util.module_from_spec(_spec))
if not hasattr(pictures, "fixture"):
    _spec.loader.exec_module(pictures)
ACCOUNTS = count(7_000_001)
CHILD, PHONE = "王小满", "13800000101"


@pytest.fixture
def parent(cloud: Any, telegram_bot: Any) -> Any:
    return cloud_module.TelegramParent(cloud, next(ACCOUNTS))


def bind(parent: Any, child: str = CHILD, phone: str = PHONE) -> None:
    parent.say("/bind", "姓名")
    parent.say(child, "手机号")
    markup = parent.heard[-1].get("reply_markup")
    assert "request_contact" in str(markup), "the phone can be sent with one tap"
    parent.send(
        contact={"phone_number": f"+86{phone}", "first_name": "我", "user_id": parent.account}
    )
    said = parent.hear("验证码")
    code = re.search(r"(\d{6})", said)
    assert code
    parent.say(code[1], "绑定成功")


def test_start_greets_and_a_deep_link_begins(parent: Any) -> None:
    parent.say("/start", "优享小助手")
    parent.say("/start bind", "姓名")
    parent.say("/cancel", "不办了")
    parent.say("/nonsense", ".")


def test_binds_with_the_contact_button_books_and_is_reminded(
    parent: Any, telegram_bot: Any
) -> None:
    bind(parent)
    parent.say("12月7号上午约新华医院小儿内科", "请核对")
    said = parent.press("确认", r"A\d{5}")
    reference = re.search(r"A\d{5}", said)
    assert reference
    # A button works once: what it did is not done again.
    before = len(parent.heard)
    parent.press("确认")
    assert parent.quiet() == []
    assert len(parent.heard) == before
    staff(telegram_bot, "appointments", "confirm", reference[0])
    parent.hear("预约确认了|确认了|已确认")


def staff(bot: Any, *words: str) -> None:
    environ = root.clean_environ(BOT_NOW="2026-11-23T10:00:00+08:00", BOT_VAR=str(bot.var))
    subprocess.run(
        [sys.executable, "-c", "from bot.cli import app; app()", "staff", "--actor", "陈", *words],
        check=True,
        env=environ,
        cwd=root.ROOT,
        capture_output=True,
        timeout=60,
    )


def test_someone_elses_contact_is_not_taken(parent: Any) -> None:
    parent.say("/bind", "姓名")
    parent.say(CHILD, "手机号")
    parent.send(contact={"phone_number": PHONE, "first_name": "他", "user_id": 42})
    parent.hear("您自己的号码")


def test_an_album_is_answered_once_and_its_photos_are_kept(parent: Any) -> None:
    bind(parent, "周子墨", "13800000501")
    for seed in (301, 302, 303):
        parent.photo(pictures.fixture("invoice.jpg", seed), group="album-1")
    parent.hear("收到 3 个文件")
    assert not [said for said in parent.quiet() if "收到" in said]
    parent.say("都是发票", "发票")


def test_what_is_owed_is_reminded_of_once_by_itself(parent: Any) -> None:
    bind(parent, "周子墨", "13800000501")
    reminder = "提醒：周子墨.*自付款 128 元"
    if not any(re.search(reminder, said.get("text", "")) for said in parent.heard):
        parent.hear(reminder, within=30)
    time.sleep(12)
    parent.quiet(0.1)
    told = [said for said in parent.heard if re.search(reminder, said.get("text", ""))]
    assert len(told) == 1


def test_a_photo_that_is_none_is_refused_kindly(parent: Any) -> None:
    bind(parent)
    parent.photo(b"MZ this is a program")
    parent.hear("不是照片或 PDF")


def test_voice_location_and_edits_are_told_what_to_do(parent: Any) -> None:
    parent.send(voice={"file_id": "v", "file_unique_id": "v", "duration": 3})
    parent.hear("听不了语音")
    parent.send(location={"latitude": 31.2, "longitude": 121.4})
    parent.hear("看不懂地图")


def test_what_was_written_days_ago_is_not_acted_on(parent: Any) -> None:
    parent.send(at=time.time() - 3 * 86400, text="取消我的预约")
    parent.hear("没有照它办理")


def test_a_button_of_another_account_does_nothing(parent: Any, cloud: Any) -> None:
    parent.say("你好", "优享小助手")
    stranger = cloud_module.TelegramParent(cloud, next(ACCOUNTS))
    shown = next(s for s in reversed(parent.heard) if s.get("reply_markup"))
    data = re.search(r"b:\d+:\d+", str(shown["reply_markup"]))
    assert data
    stranger.press_data(data[0], shown["message_id"])
    assert stranger.quiet() == []
    for odd in ("b:999999999:0", "b:1:99", "/confirm", "", "b:" + "9" * 60):
        stranger.press_data(odd, 1)
    assert stranger.quiet() == []


def test_the_same_update_ten_times_at_once_is_answered_once(
    telegram_bot: Any, parent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot import clock
    from bot.rules.messages import InboundKind
    from bot.services import inbox
    from bot.settings import load_settings
    from bot.store.session import Store

    url = load_settings(
        {"BOT_VAR": str(telegram_bot.var), "BOT_NOW": "2026-11-23T10:00:00+08:00"}
    ).store_url
    store = Store(url)
    message = inbox.InboundMessage(
        "telegram",
        str(parent.account),
        "the-same",
        InboundKind.TEXT,
        clock.wall(),
        "你好",
    )
    with ThreadPoolExecutor(10) as pool:
        new = list(pool.map(lambda _: inbox.accept(store, message, now=clock.wall()), range(10)))
    store.dispose()
    assert sum(new) == 1
    parent.hear("优享小助手")
    assert parent.quiet() == []


def test_killed_between_taking_and_answering_it_is_answered_once(
    cloud: Any, trained_model: Path, tmp_path: Path
) -> None:
    bot = start_alone(cloud, trained_model, tmp_path)
    try:
        parent = cloud_module.TelegramParent(cloud, next(ACCOUNTS))
        parent.say("你好", "优享小助手")
        rasa = pid_of(bot, "rasa")
        os.kill(rasa, signal.SIGSTOP)
        parent.say("人工客服几点上班")
        time.sleep(2)
        os.kill(rasa, signal.SIGKILL)
        parent.hear("8:00|9:00|上班|服务|小时", within=60)
        assert parent.quiet(3) == []
    finally:
        bot.stop()


def start_alone(cloud: Any, model: Path, var: Path, token: str | None = None) -> Any:
    start = sys.modules["telegram_conftest"].start
    return start(cloud, model, var, token or cloud_module.TOKEN)


def pid_of(bot: Any, process: str) -> int:
    found = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout
    for line in found.splitlines()[1:]:
        pid, parent, args = line.split(None, 2)
        if int(parent) == bot.process.pid and f"serve {process}" in args:
            return int(pid)
    raise AssertionError(f"no {process} under {bot.process.pid}\n{found}")


def test_a_wrong_token_is_a_sentence_and_the_rest_runs(
    cloud: Any, trained_model: Path, tmp_path: Path
) -> None:
    bot = start_alone(cloud, trained_model, tmp_path, "1:wrong")
    try:
        assert "Telegram 不认识 BOT_TELEGRAM_TOKEN" in (tmp_path / "up.log").read_text("utf-8")
        said = httpx.post(
            f"{bot.rasa}/webhooks/rest/webhook", json={"sender": "a", "message": "你好"}, timeout=30
        ).json()
        assert "优享小助手" in said[0]["text"]
        assert bot.process.poll() is None
    finally:
        assert bot.stop() == 0
