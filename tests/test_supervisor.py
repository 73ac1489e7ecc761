"""The supervisor, with small servers in place of the real processes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from bot.errors import OperatorError
from bot.settings import ROOT
from bot.supervisor import Happening, Part, Supervisor, Timing, answers

QUICK = Timing(first_delay=0.2, longest_delay=1.0, grace=1.0, start=15.0, poll=0.05)
SERVER = """
import http.server, os, signal, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
{extra}
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
WITH_CHILD = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
WAIT_S = 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def part(folder: Path, code: str, name: str = "fake", port: int | None = None) -> Part:
    return Part(
        name=name,
        command=(sys.executable, "-c", code),
        health=f"http://127.0.0.1:{port or 9}/",
        log=folder / f"{name}.log",
        output=folder / f"{name}.out",
    )


def server(folder: Path, name: str = "fake", extra: str = "") -> Part:
    port = free_port()
    return part(folder, SERVER.format(port=port, extra=extra), name, port)


def pid_of(running: Part) -> int:
    return int(httpx.get(str(running.health), timeout=2).text)


Told = list[tuple[Happening, str, str]]


class Run:
    """A supervisor in the main thread of a test, watched by a thread that drives the test."""

    def __init__(self, parts: list[Part], folder: Path, timing: Timing = QUICK) -> None:
        self.told: Told = []
        self.ready = threading.Event()
        self.stop = threading.Event()
        self.supervisor = Supervisor(
            parts=parts,
            folder=folder,
            environ=os.environ,
            timing=timing,
            tell=lambda happening, part, detail: self.told.append((happening, part.name, detail)),
        )

    def __call__(self, drive: Callable[[], None]) -> None:
        failure: list[BaseException] = []

        def driven() -> None:
            try:
                assert self.ready.wait(WAIT_S), "never ready"
                drive()
            except BaseException as error:
                failure.append(error)
            finally:
                self.stop.set()

        thread = threading.Thread(target=driven)
        thread.start()
        self.supervisor.run(self.stop, self.ready.set)
        thread.join()
        if failure:
            raise failure[0]

    def count(self, happening: Happening, name: str = "fake") -> int:
        return sum(told[:2] == (happening, name) for told in self.told)


def test_all_parts_run_and_stop(tmp_path: Path) -> None:
    parts = [server(tmp_path, "one"), server(tmp_path, "two")]
    run = Run(parts, tmp_path)
    pids: list[int] = []
    run(lambda: pids.extend(pid_of(each) for each in parts))
    assert len(set(pids)) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert [told[0] for told in run.told].count(Happening.HEALTHY) == 2
    assert not run.count(Happening.KILLED, "one")


def test_what_dies_is_restarted_later_each_time(tmp_path: Path) -> None:
    running = server(tmp_path)
    run = Run([running], tmp_path)
    pids: set[int] = set()

    def drive() -> None:
        for times in range(1, 5):
            pid = pid_of(running)
            pids.add(pid)
            os.kill(pid, signal.SIGKILL)
            until(lambda times=times: run.count(Happening.DIED) == times)  # type: ignore[misc]
            until(lambda times=times: run.count(Happening.HEALTHY) == times + 1)  # type: ignore[misc]

    run(drive)
    assert len(pids) == 4
    delays = [detail.split()[1] for happening, _, detail in run.told if happening == "died"]
    assert delays == ["0.2", "0.4", "0.8", "1"]


def test_a_long_run_starts_the_delays_anew(tmp_path: Path) -> None:
    running = server(tmp_path)
    run = Run([running], tmp_path, Timing(first_delay=0.1, calm=0.0, poll=0.05, grace=1.0))

    def drive() -> None:
        for times in (1, 2):
            os.kill(pid_of(running), signal.SIGKILL)
            until(lambda times=times: run.count(Happening.HEALTHY) == times + 1)  # type: ignore[misc]

    run(drive)
    assert [detail for happening, _, detail in run.told if happening == "died"] == ["-9 0.1"] * 2


def test_the_others_keep_running_while_one_is_restarted(tmp_path: Path) -> None:
    one, two = server(tmp_path, "one"), server(tmp_path, "two")
    run = Run([one, two], tmp_path)

    def drive() -> None:
        before = pid_of(two)
        os.kill(pid_of(one), signal.SIGKILL)
        until(lambda: run.count(Happening.HEALTHY, "one") == 2)
        assert pid_of(two) == before

    run(drive)


def test_what_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    running = server(tmp_path, extra=STUBBORN)
    run = Run([running], tmp_path)
    pids: list[int] = []
    began = time.monotonic()
    run(lambda: pids.append(pid_of(running)))
    assert run.count(Happening.KILLED) == 1
    assert not psutil.pid_exists(pids[0])
    assert time.monotonic() - began < WAIT_S


def test_children_of_a_part_end_with_it(tmp_path: Path) -> None:
    running = server(tmp_path, extra=WITH_CHILD)
    run = Run([running], tmp_path)
    family: list[psutil.Process] = []
    run(lambda: family.extend(psutil.Process(pid_of(running)).children()))
    assert len(family) == 1
    until(lambda: not family[0].is_running() or family[0].status() == psutil.STATUS_ZOMBIE)


def test_a_part_that_never_starts_ends_the_start(tmp_path: Path) -> None:
    good, bad = server(tmp_path, "good"), part(tmp_path, "raise SystemExit('no model')", "bad")
    run = Run([good, bad], tmp_path)
    with pytest.raises(OperatorError) as caught:
        run.supervisor.run(run.stop)
    assert run.count(Happening.STARTED, "bad") == QUICK.first_tries
    # It could not log, so the sentence names where it said why.
    assert str(bad.output) in str(caught.value)
    assert "no model" in bad.output.read_text("utf-8")
    assert not answers(good.health)


def test_a_part_that_is_too_slow_ends_the_start(tmp_path: Path) -> None:
    slow = part(tmp_path, "import time; time.sleep(60)", "slow")
    run = Run([slow], tmp_path, Timing(start=0.5, poll=0.05))
    with pytest.raises(OperatorError, match="slow"):
        run.supervisor.run(run.stop)


def test_a_server_that_answers_an_error_is_not_healthy(tmp_path: Path) -> None:
    port = free_port()
    code = SERVER.format(port=port, extra="").replace("(200)", "(503)")
    run = Run([part(tmp_path, code, port=port)], tmp_path, Timing(start=1.5, poll=0.05))
    with pytest.raises(OperatorError, match="fake"):
        run.supervisor.run(run.stop)
    assert run.count(Happening.DIED) == 0


def test_a_part_without_a_port_is_known_by_its_heartbeat(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    alive.write_text("of the one before", "utf-8")
    code = (
        "import os, pathlib, time; time.sleep(0.5)\n"
        f"pathlib.Path({str(alive)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    beating = replace(part(tmp_path, code), health=alive)
    run = Run([beating], tmp_path)

    def drive() -> None:
        first = int(alive.read_text("utf-8"))
        os.kill(first, signal.SIGKILL)
        until(lambda: run.count(Happening.HEALTHY) == 2)
        assert int(alive.read_text("utf-8")) != first

    run(drive)


def test_a_stop_before_all_is_ready_is_clean(tmp_path: Path) -> None:
    run = Run([part(tmp_path, "import time; time.sleep(60)")], tmp_path)
    threading.Timer(0.5, run.stop.set).start()
    run.supervisor.run(run.stop, run.ready.set)
    assert not run.ready.is_set()
    assert [told[0] for told in run.told] == [Happening.STARTED]


ALONE = """
import os, signal, sys, threading
from pathlib import Path
from bot.supervisor import Part, Supervisor
from bot.up import until_signal
folder = Path({folder!r})
part = Part("fake", (sys.executable, "-c", {code!r}), {health!r}, folder / "a", folder / "b")
with until_signal() as stop:
    Supervisor([part], folder, os.environ).run(stop, lambda: print("ready", flush=True))
print("stopped", flush=True)
"""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A supervisor in a process of its own, and the process id of its part."""
    running = server(tmp_path)
    code = ALONE.format(folder=str(tmp_path), code=running.command[2], health=running.health)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process, pid_of(running)
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(
    alone: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    process, child = alone
    process.send_signal(number)
    assert process.wait(WAIT_S) == 0
    assert process.stdout is not None
    assert process.stdout.read() == "stopped\n"
    assert not psutil.pid_exists(child)


def test_nothing_outlives_a_supervisor_that_is_killed(
    alone: tuple[subprocess.Popen[str], int],
) -> None:
    process, child = alone
    assert psutil.pid_exists(child)
    process.kill()
    process.wait(WAIT_S)
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie")
