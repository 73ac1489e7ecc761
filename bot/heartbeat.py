"""How a process without a port shows that it works: a file that it touches."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

# Longer than the worker's longest round.
FRESH_S = 45.0


def beat(path: Path) -> None:
    """Say that this process works now."""
    path.write_text(str(os.getpid()), encoding="ascii")


def beats(path: Path, within_s: float = FRESH_S) -> bool:
    """Say whether somebody has beaten within so many seconds, by the machine's clock."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    return age < within_s


def stop(path: Path) -> None:
    """Say that nobody beats any more."""
    with suppress(OSError):
        path.unlink()
