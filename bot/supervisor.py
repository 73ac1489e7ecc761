"""Keeps processes running: starts them, waits until they answer, restarts them, stops them.

It knows nothing of what they do. One thread, one loop; what happens is told to a callback.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import httpx

from bot import heartbeat
from bot.errors import OperatorError

_WRAPPER = Path(__file__).with_name("child.py")
_PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Part:
    """A process to keep running.

    Attributes:
        name: Its name in messages and of its log.
        command: What to run.
        health: Address that answers 200 once it works, or the file of its heartbeat.
        log: Where to look when it does not.
        output: File that its stdout and stderr are appended to.
    """

    name: str
    command: tuple[str, ...]
    health: str | Path
    log: Path
    output: Path


@dataclass(frozen=True)
class Timing:
    """How patient the supervisor is; all in seconds but the tries."""

    # Before the first restart; doubles with every further one.
    first_delay: float = 1.0
    longest_delay: float = 60.0
    # A process that ran this long starts again with the first delay.
    calm: float = 60.0
    # From SIGTERM to SIGKILL.
    grace: float = 10.0
    # Until all answer for the first time.
    start: float = 180.0
    poll: float = 0.2
    # Deaths before it ever answered, after which the start is given up.
    first_tries: int = 3


class Happening(StrEnum):
    """What the supervisor tells."""

    STARTED = "started"
    HEALTHY = "healthy"
    DIED = "died"
    KILLED = "killed"


Tell = Callable[[Happening, Part, str], None]


def silent(_happening: Happening, _part: Part, _detail: str) -> None:
    """Tell nobody."""


@dataclass
class _Child:
    part: Part
    delay: float
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    due: float = 0.0
    healthy: bool = False
    ever_healthy: bool = False
    failures: int = 0


@dataclass
class Supervisor:
    """Runs parts until it is told to stop.

    Attributes:
        parts: What to run.
        folder: Working directory of all.
        environ: Environment of all.
        timing: Its patience.
        tell: Is told what happens: the part, and a detail (exit status, seconds until restart).
    """

    parts: Sequence[Part]
    folder: Path
    environ: Mapping[str, str]
    timing: Timing = field(default_factory=Timing)
    tell: Tell = silent

    def run(self, stop: threading.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run all parts; return after ``stop`` is set and all have ended.

        Must run in the main thread: the kernel ends the children with the thread that made them.

        Args:
            stop: Set it (from a signal handler, say) to end.
            on_ready: Called once, when all parts answer for the first time.

        Raises:
            OperatorError: A part cannot be started, or does not answer in time; all are stopped.
        """
        self._children = [_Child(part, self.timing.first_delay) for part in self.parts]
        ready = False
        began = time.monotonic()
        try:
            while not stop.is_set():
                for child in self._children:
                    self._look_after(child)
                if not ready and all(child.healthy for child in self._children):
                    ready = True
                    on_ready()
                if not ready and time.monotonic() - began > self.timing.start:
                    raise self._too_slow()
                stop.wait(self.timing.poll)
        finally:
            self._stop_all()

    def _look_after(self, child: _Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.due:
                self._start(child)
        elif child.process.poll() is not None:
            self._bury(child)
        elif not child.healthy and works(child.part.health):
            child.healthy = child.ever_healthy = True
            self.tell(Happening.HEALTHY, child.part, f"{time.monotonic() - child.began:.1f}")

    def _start(self, child: _Child) -> None:
        if isinstance(child.part.health, Path):
            # Of the one before.
            heartbeat.stop(child.part.health)
        wrapper = [sys.executable, "-I", str(_WRAPPER), str(os.getpid())]
        try:
            with child.part.output.open("ab") as output:
                child.process = subprocess.Popen(  # noqa: S603
                    [*wrapper, *child.part.command],
                    cwd=self.folder,
                    env=dict(self.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # A group of its own: Ctrl-C reaches the supervisor, and it alone decides.
                    start_new_session=True,
                )
        except OSError as error:
            raise OperatorError(f"{child.part.name} 启动不了：{error.strerror}") from error
        child.began = time.monotonic()
        child.healthy = False
        self.tell(Happening.STARTED, child.part, str(child.process.pid))

    def _bury(self, child: _Child) -> None:
        process, child.process = child.process, None
        if process is None:
            return
        # What it started must not keep the port.
        _signal(process, signal.SIGKILL)
        child.healthy = False
        if not child.ever_healthy:
            child.failures += 1
            if child.failures >= self.timing.first_tries:
                raise OperatorError(f"{child.part.name} 启动失败：原因在 {_reason(child.part)}")
        now = time.monotonic()
        if now - child.began >= self.timing.calm:
            child.delay = self.timing.first_delay
        child.due = now + child.delay
        self.tell(Happening.DIED, child.part, f"{process.returncode} {child.delay:g}")
        child.delay = min(child.delay * 2, self.timing.longest_delay)

    def _too_slow(self) -> OperatorError:
        slow = [child.part for child in self._children if not child.healthy]
        names = "、".join(part.name for part in slow)
        seconds = f"{self.timing.start:g}"
        return OperatorError(f"{names} 在 {seconds} 秒内没有就绪：原因在 {_reason(slow[0])}")

    def _stop_all(self) -> None:
        alive = [(c.part, c.process) for c in self._children if c.process is not None]
        for _, process in alive:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + self.timing.grace
        for part, process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.tell(Happening.KILLED, part, f"{self.timing.grace:g}")
            _signal(process, signal.SIGKILL)
            process.wait()


def works(health: str | Path) -> bool:
    """Say whether a part works; see :class:`Part`."""
    return heartbeat.beats(health) if isinstance(health, Path) else answers(health)


def answers(url: str) -> bool:
    """Say whether an address answers 200 within a second."""
    try:
        # Loopback is never reached through a proxy.
        with httpx.Client(trust_env=False, timeout=_PROBE_TIMEOUT_S) as client:
            return client.get(url).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _reason(part: Part) -> Path:
    # A process that dies before it can log says why on stderr.
    try:
        unlogged = part.output.stat().st_size > 0 and not part.log.exists()
    except OSError:
        unlogged = False
    return part.output if unlogged else part.log


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group, not the process: it may have children, and may itself be gone.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
