"""The Rasa server offers our channels and nothing else; that it answers, the conversations show."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT

PRODUCTION = {
    "BOT_ENV": "production",
    "BOT_SMS_URL": "https://sms.example",
    "BOT_CODE_SECRET": "own",
    "BOT_FILES_KEY": "a secret of our own for all the files",
    "BOT_PUBLIC_URL": "https://bot.example",
}


REST = ["webhooks/rest/messages", "webhooks/rest/upload", "webhooks/rest/webhook"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ["", "webhooks/inbox", "webhooks/rest", *REST]),
        (PRODUCTION, ["", "webhooks/inbox"]),
    ],
)
def test_there_is_no_other_way_in(environ: dict[str, str], expected: list[str]) -> None:
    code = (
        "from pathlib import Path; from bot import rasa_light, rasa_server\n"
        "from bot.settings import load_settings\n"
        "rasa_light.for_training(Path('config.yml'))\n"
        f"app = rasa_server.create_app(load_settings({environ!r}), Path('model'))\n"
        "app.router.finalize()\n"
        "print(sorted({route.path.strip('/') for route in app.router.routes}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().splitlines()[-1] == str(expected)


def test_a_model_that_cannot_be_loaded_ends_the_process(tmp_path: Path) -> None:
    model = tmp_path / "model.tar.gz"
    model.write_bytes(b"not a model")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("bot")), "serve", "rasa", "--model", str(model)],
        cwd=ROOT,
        env={"PATH": "/bin", "BOT_VAR": str(tmp_path / "var"), "BOT_RASA_PORT": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert "cannot be loaded" in (tmp_path / "var" / "logs" / "rasa.log").read_text("utf-8")
