"""The wrapper that ends a command with its parent; its main use is in test_supervisor.py."""

import os
import subprocess
import sys
from pathlib import Path

from bot import child

WRAPPER = [sys.executable, "-I", str(Path(child.__file__))]


def test_it_becomes_the_command() -> None:
    done = subprocess.run(
        [*WRAPPER, str(os.getpid()), sys.executable, "-c", "print('hello'); raise SystemExit(7)"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("hello\n", 7)


def test_an_orphan_does_not_start() -> None:
    done = subprocess.run(
        [*WRAPPER, "999999999", sys.executable, "-c", "print('hello')"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 1)
