"""The dialogue policies on ``test_stories.yml``, by ``rasa test core``."""

import os
import subprocess
import sys
from pathlib import Path

from bot.settings import ROOT


def test_policies_follow_the_stories(trained_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "rasa", "test", "core"]
    options = ["--model", str(trained_model), "--stories", "tests/test_stories.yml"]
    strict = ["--fail-on-prediction-errors", "--no-plot", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, *options, *strict],
        cwd=ROOT,
        env=os.environ | {"RASA_TELEMETRY_ENABLED": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
