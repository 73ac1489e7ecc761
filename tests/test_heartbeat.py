"""The file by which a process without a port shows that it works."""

import os
import time
from pathlib import Path

from bot import heartbeat


def test_a_heart_beats_until_it_stops_or_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    assert not heartbeat.beats(path)
    heartbeat.beat(path)
    assert heartbeat.beats(path)
    assert path.read_text("ascii") == str(os.getpid())
    os.utime(path, (time.time() - 10, time.time() - 10))
    assert heartbeat.beats(path)
    assert not heartbeat.beats(path, within_s=5)
    heartbeat.beat(path)
    heartbeat.stop(path)
    heartbeat.stop(path)
    assert not heartbeat.beats(path)
