"""The commands as an operator runs them: one sentence and a status, never a traceback."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.settings import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]
HEADER = "保单号,手机号,孩子姓名,出生日期,计划,生效日,到期日"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``bot`` in another folder than the project's, with a var folder of its own."""

    def run(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
        given = {"BOT_VAR": str(tmp_path / "var"), "COLUMNS": "120", "NO_COLOR": "1"} | environ
        return subprocess.run(
            [str(Path(sys.executable).with_name("bot")), *arguments],
            cwd=tmp_path,
            env=clean | given,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr.strip()


def test_the_help_names_every_command_and_shows_examples(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for word in ("up", "chat", "train", "doctor", "import", "demo", "evaluate", "serve", "staff"):
        assert word in done.stdout
    for example in ("uv run bot up", "bot import policies", "BOT_NOW=2026-11-23T20:30:00+08:00"):
        assert example in done.stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("import", "policies"), ("up", "--fast")])
def test_a_wrong_command_line_is_explained(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Usage" in done.stderr


def test_an_unknown_variable_is_refused(run: Run) -> None:
    assert "BOT_RASA_PRT" in one_sentence(run("chat", BOT_RASA_PRT="5005"))


def test_production_refuses_a_fixed_clock(run: Run) -> None:
    done = run("up", BOT_ENV="production", BOT_NOW="2026-11-23T20:30:00+08:00")
    assert "BOT_NOW" in one_sentence(done)


def test_up_refuses_a_folder_it_cannot_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert "BOT_VAR" in one_sentence(run("up", BOT_VAR=str(tmp_path / "file" / "var")))


def test_up_refuses_a_port_in_use(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("up", BOT_WEB_PORT=str(taken.getsockname()[1]))
    assert "BOT_WEB_PORT" in one_sentence(done)


def test_up_refuses_a_second_one(run: Run, tmp_path: Path) -> None:
    code = (
        "import sys; from bot import provision; from bot.settings import load_settings\n"
        f"settings = load_settings({{'BOT_VAR': {str(tmp_path / 'var')!r}}})\n"
        "provision.make_folders(settings)\n"
        "with provision.only_one(settings): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        done = run("up")
        holder.communicate(b"")
    sentence = one_sentence(done)
    assert str(holder.pid) in sentence


def test_chat_without_a_bot_says_how_to_start_one(run: Run) -> None:
    assert "uv run bot up" in one_sentence(run("chat", BOT_RASA_PORT="1"))


def test_serve_rasa_without_a_model_says_how_to_train(run: Run) -> None:
    assert "uv run bot train" in one_sentence(run("serve", "rasa", "--quiet"))


def test_an_unexpected_error_is_one_sentence_and_its_traceback_is_in_the_log(
    tmp_path: Path,
) -> None:
    code = "from bot import chat; chat.run = lambda *_: 1 / 0; from bot.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "chat"],
        env=os.environ | {"BOT_VAR": str(tmp_path), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    log = tmp_path / "logs" / "bot.log"
    assert str(log) in one_sentence(done)
    errors = [json.loads(line).get("error", "") for line in log.read_text("utf-8").splitlines()]
    assert "ZeroDivisionError" in errors[-1]


def test_demo_reset_loads_the_demo(run: Run) -> None:
    done = run("demo", "reset")
    assert done.returncode == 0, done.stderr
    assert "6" in done.stdout


NOW = "2026-11-23T10:00:00+08:00"


def test_staff_work_on_appointments(run: Run, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"

    def staff(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("staff", *arguments, BOT_NOW=NOW, BOT_DATABASE_URL=store)

    assert run("demo", "reset", BOT_NOW=NOW, BOT_DATABASE_URL=store).returncode == 0
    listed = staff("--json", "appointments", "list")
    assert listed.returncode == 0, listed.stderr
    (row,) = json.loads(listed.stdout)
    assert (row["reference"], row["status"], row["child"]) == ("A1001", "confirmed", "王小满")
    moved = staff("--actor", "陈", "appointments", "change", "a1001", "--at", "2026-12-02 11:00")
    assert moved.returncode == 0, moved.stderr
    assert "A1001" in moved.stdout
    assert "2026-12-02 11:00" in moved.stdout
    old = staff("appointments", "fulfilled", "A1001", "--version", str(row["version"]))
    assert "改过" in one_sentence(old)
    assert "日期还没到" in one_sentence(staff("appointments", "noshow", "A1001"))
    assert "编号" in one_sentence(staff("appointments", "confirm", "A99999"))
    assert "没有" in staff("appointments", "list", "--status", "requested").stdout
    assert one_sentence(staff("appointments", "list", "--status", "nonsense"))
    long = staff("appointments", "call-off", "A1001", "--reason", "长" * 61)
    assert "60" in one_sentence(long)


def test_import_policies_all_or_nothing(run: Run, tmp_path: Path) -> None:
    good = "YX2026-000901,13800000901,孙一一,2020-01-01,优享计划,2026-01-01,2026-12-31"
    bad = "YX2026-000902,12,孙二二,2020-01-01,没有的计划,2026-01-01,2026-12-31"
    (tmp_path / "good.csv").write_text(f"{HEADER}\n{good}\n", "utf-8")
    (tmp_path / "bad.csv").write_text(f"{HEADER}\n{good}\n{bad}\n", "utf-8")
    run("demo", "reset")
    refused = run("import", "policies", "bad.csv")
    assert refused.returncode == 1
    assert "第 3 行" in refused.stderr
    assert "Traceback" not in refused.stderr
    dry = run("import", "policies", "good.csv", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "新增 1" in dry.stdout
    assert "新增 1" in run("import", "policies", "good.csv").stdout
    assert "不变 1" in run("import", "policies", "good.csv").stdout


@pytest.mark.parametrize("name", ["absent.csv", "policies.txt"])
def test_import_of_no_list_is_one_sentence(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "policies.txt").write_text("hello", "utf-8")
    assert name in one_sentence(run("import", "policies", name))


def test_evaluate_wants_files_that_are_there(run: Run) -> None:
    assert "absent.jsonl" in one_sentence(run("evaluate", "absent.jsonl"))


def test_evaluate_wants_a_model(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}", "utf-8")
    assert "uv run bot train" in one_sentence(run("evaluate", "rows.jsonl"))


def test_doctor_tells_and_its_status_says_whether_all_is_well(run: Run) -> None:
    well = run("doctor")
    assert "Python" in well.stdout
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ill = run("doctor", BOT_RASA_PORT=str(taken.getsockname()[1]))
    assert ill.returncode == 1
    assert "BOT_RASA_PORT" in ill.stdout.replace("\n", "")


def test_staff_settle_a_claim_to_its_end(run: Run) -> None:
    now = {"BOT_NOW": "2026-11-23T10:00:00+08:00"}
    assert run("demo", "reset", **now).returncode == 0
    listed = run("staff", "claims", "list", "--status", "settling", **now).stdout
    assert "C3002  版本 1  理算中  46,000 元  期限 12-01 23:59" in listed
    amount = ("--amount", "40000")
    decide = ("staff", "claims", "decide", "C3002", "partly_approved", "--as", "lin", *amount)
    assert "要写明原因" in one_sentence(run(*decide, "--version", "1", **now))
    told = run(*decide, "--version", "1", "--reason", "床位费超标", **now)
    assert "C3002  版本 2  部分通过" in told.stdout
    paid = ("staff", "claims", "pay", "C3002", "--as", "lin", "--version")
    assert "再看一遍" in one_sentence(run(*paid, "1", **now))
    assert "已付款" in run(*paid, "2", **now).stdout
    unknown = run("staff", "claims", "pay", "C9999", "--as", "lin", "--version", "1", **now)
    assert "没有这个理赔" in one_sentence(unknown)


def test_staff_ask_for_papers(run: Run) -> None:
    now = {"BOT_NOW": "2026-11-23T10:00:00+08:00"}
    assert run("demo", "reset", **now).returncode == 0
    ask = ("staff", "claims", "ask", "C3001", "--as", "lin", "--version", "1", "--paper")
    assert "invoice=看不清" in one_sentence(run(*ask, "invoice", **now))
    assert "C3001  版本 2  材料不全" in run(*ask, "invoice=看不清", **now).stdout
    listed = run("staff", "claims", "list", "--status", "documents_missing", **now).stdout
    assert "invoice" in listed
