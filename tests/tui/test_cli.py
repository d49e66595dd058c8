"""The command line: shapes, exit statuses, one sentence for what goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.records import Evidence, Trial
from tui.cli import status_of
from tui.cli.running import Heeding, interrupts

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "new",
    "open",
    "run",
    "sessions",
    "log",
    "replay",
    "review",
    "comment",
    "compare",
    "verify",
    "predict",
    "sample",
    "doctor",
)


@dataclass
class Result:
    status: int
    out: str
    err: str


@pytest.fixture
def rungwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setenv("RUNGWISE_STORE", str(tmp_path / "store" / "s.sqlite3"))

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        status = status_of([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Result(status, said.out, said.err)

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """200 rows with one telling column, one blank here and there."""
    draw = random.Random(1)
    rows = [(draw.gauss(0, 1), draw.choice("uvw")) for _ in range(200)]
    lines = [f"{x:.3f},{level},{'yes' if x + draw.gauss(0, 0.7) > 0.5 else 'no'}" for x, level in rows]
    file = tmp_path / "leads.csv"
    file.write_text("x,level,bought\n" + "\n".join(lines) + "\n")
    return file


def process(*arguments: object, before: Sequence[str] = (), **options) -> subprocess.CompletedProcess[str]:
    words = [*before, sys.executable, "-m", "tui.cli", *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, **options)


def test_a_name_that_stands_for_another_target_is_refused(rungwise: Callable[..., Result], table: Path) -> None:
    words = ("--accept-recommended", "--name", "leads", "--stop-after", "define")
    assert rungwise("run", table, "--target", "bought", *words).status == 0
    assert rungwise("run", table, "--target", "Bought", *words).status == 0  # gone on with
    refused = rungwise("run", table, "--target", "level", *words)
    assert refused.status == 2
    assert "Session leads predicts bought; to predict level choose another --name, such as leads-2." in refused.err
    assert "every hash of 1 session fits" in rungwise("verify").out


# -- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(rungwise: Callable[..., Result], command: str) -> None:
    shown = rungwise(command, "--help")
    assert shown.status == 0
    assert f"rungwise {command}" in shown.out.split("Example")[1]


def test_help_names_every_command_and_hides_the_worker(rungwise: Callable[..., Result]) -> None:
    shown = rungwise("--help").out
    assert all(f"  {command} " in shown for command in COMMANDS)
    assert "worker" not in shown
    assert "..." not in shown.split("Commands:")[1], "no sentence is cut off"
    assert rungwise("--version").out.startswith("rungwise ")


@pytest.mark.parametrize(
    "arguments",
    [("fly",), ("run",), ("log",), ("run", "x.csv", "--no-such"), ("predict", "a", "b"), ("replay", "a", "b", "c")],
)
def test_what_is_typed_wrong_ends_with_2(rungwise: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    assert rungwise(*arguments).status == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("open",), "NAME is missing; `rungwise open --help`"),
        (("open", "a", "b"), "There is one word too many (b); `rungwise open --help`"),
        (("replay", "a", "--from", "b"), "--from takes a whole number; `rungwise replay --help`"),
        (("worker", "--idle", "x"), "--idle takes a number; `rungwise worker --help`"),
        (("bundle", "export", "a"), "--output or -o is missing; `rungwise bundle export --help`"),
        (("comit",), "There is no command comit; did you mean comment? `rungwise --help`"),
        (("log", "--brnch", "x"), "There is no option --brnch; did you mean --branch? `rungwise log --help`"),
        (("--fly",), "There is no option --fly; `rungwise --help`"),
        (("predict", "a", "b", "-o"), "-o takes a value, and there is none; `rungwise"),
    ],
)  # fmt: skip
def test_a_wrong_argument_gets_one_sentence(
    rungwise: Callable[..., Result], arguments: tuple[str, ...], said: str
) -> None:
    got = rungwise(*arguments)
    assert (got.status, got.out) == (2, "")
    assert got.err.startswith(said), got.err
    assert got.err.count("\n") == 1


def test_a_group_without_its_command_shows_its_help(rungwise: Callable[..., Result]) -> None:
    got = rungwise("bundle")
    assert got.status == 2
    assert "Usage: rungwise bundle" in got.err


def test_whoever_reads_no_more_ends_it_without_a_word(tmp_path: Path) -> None:
    """As `rungwise --help | head -1` does."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tui.cli", "--store", str(tmp_path / "s.db"), "--help"]
    with os.fdopen(writer, "w") as closed:
        got = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=200, check=False)
    assert (got.returncode, got.stderr) == (0, "")


def test_looking_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from tui.cli import status_of; status_of(['sessions']); status_of(['--help'])\n"
        "heavy = {'numpy', 'pandas', 'sklearn', 'skrub', 'torch', 'keras', 'textual', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"RUNGWISE_STORE": str(tmp_path / "s")}
    )
    assert ran.returncode == 0


def test_an_open_session_imports_nothing_heavy(tmp_path: Path, table: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tui.store_desk import StoreDesk\n"
        f"desk = StoreDesk(Path({str(tmp_path / 's.sqlite3')!r}))\n"
        f"name = desk.create(Path({str(table)!r}), 'bought', '', '')\n"
        "opened = desk.open(name); opened.conductor.advance(); desk.sessions(); desk.machine()\n"
        "opened.close(); desk.close()\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'sklearn', 'skrub', 'torch', 'keras'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# -- a run, and looking at it ----------------------------------------------------------------------------------------


def test_a_run_its_log_its_replay_and_its_hashes(rungwise: Callable[..., Result], table: Path, tmp_path: Path) -> None:
    ran = rungwise(
        "run", table, "--target", "bought", "--accept-recommended", "--stop-after", "baseline", "--json",
        "--answer", "problem.latency=50", "--answer", "simple.champion=logistic",
        "--why", "problem.latency=The page waits for the answer while the visitor looks",
    )  # fmt: skip
    assert ran.status == 0
    assert "baseline\n" in ran.err
    result = json.loads(ran.out)
    assert {
        "session",
        "task",
        "target",
        "metric",
        "rungs",
        "lockbox",
        "warnings",
        "seconds",
        "peak_memory_mb",
        "device",
    } <= set(result)
    assert (result["session"], result["task"], result["target"]) == ("leads", "binary", "bought")
    assert result["rungs"][0]["stage"] == "baseline"
    assert set(result["rungs"][0]) == {
        "stage", "model", "metric", "value", "low", "high", "parameters", "latency_ms", "fit_seconds"
    }  # fmt: skip
    assert any("simple.champion was never asked" in warning for warning in result["warnings"])

    log = json.loads(rungwise("log", "leads", "--json").out)
    assert set(log) == {"session", "branch", "decisions"}
    wanted = {
        "seq", "stage", "question", "options", "recommended", "choice", "why", "why_author", "author", "decided_at",
        "check", "evidence", "hash", "prev_hash",
    }  # fmt: skip
    assert all(wanted <= set(decision) for decision in log["decisions"])
    by_question = {decision["question"]: decision for decision in log["decisions"]}
    assert by_question["problem.latency"]["choice"] == 50
    assert by_question["problem.latency"]["why_author"] == "plan"
    assert by_question["problem.latency"]["author"] == "plan"
    assert set(by_question["problem.target"]["check"]) >= {
        "metric", "value", "low", "high", "reference", "protocol", "verdict"
    }  # fmt: skip

    text = rungwise("log", "leads").out
    assert "problem.target = bought" in text
    assert "why: The page waits" in text

    listed = rungwise("sessions").out
    assert "leads.csv → bought" in listed
    assert json.loads(rungwise("sessions", "--json").out)[0]["stage"] == "baseline"

    before = (tmp_path / "store" / "s.sqlite3").read_bytes()
    replayed = json.loads(rungwise("replay", "leads", "--json").out)
    assert [step["seq"] for step in replayed["steps"]] == [d["seq"] for d in log["decisions"]]
    assert replayed["differences"] == []
    assert replayed["state"]["problem.latency"] == 50
    again = rungwise("replay", "leads", "--rerun")
    assert again.status == 0, again.out
    assert "drifted" not in again.out
    assert (tmp_path / "store" / "s.sqlite3").read_bytes() == before

    assert rungwise("verify").status == 0
    assert rungwise("verify", "leads").status == 0
    assert rungwise("predict", "leads", table, "-o", tmp_path / "out.csv").status == 2  # no model yet, and it says so

    resumed = rungwise(
        "run", table, "--target", "bought", "--accept-recommended", "--stop-after", "baseline", "--json",
        "--name", "Leads", "--answer", "problem.latency=80",
    )  # fmt: skip
    assert resumed.status == 0
    assert json.loads(resumed.out)["rungs"] == result["rungs"]
    assert any("the journal says 50 already" in warning for warning in json.loads(resumed.out)["warnings"])
    assert len(json.loads(rungwise("log", "leads", "--json").out)["decisions"]) == len(log["decisions"])


def test_a_figure_that_drifted_is_named_and_ends_with_1(
    rungwise: Callable[..., Result], table: Path, tmp_path: Path
) -> None:
    assert rungwise("run", table, "--target", "bought", "--accept-recommended", "--stop-after", "prepare").status == 0
    with sqlite3.connect(tmp_path / "store" / "s.sqlite3") as db:  # somebody takes the guards out and changes a figure
        db.execute("drop trigger evidence_no_update")
        db.execute("update evidence set value = replace(value, '\"rows\":200', '\"rows\":201') where kind = 'split'")
    rerun = rungwise("replay", "leads", "--rerun", "--json")
    assert rerun.status == 1
    drifted = [trial for trial in json.loads(rerun.out)["rerun"] if trial["outcome"] == "drifted"]
    assert [trial["kind"] for trial in drifted] == ["split"]
    assert drifted[0]["differences"][0] == {"where": "rows", "recorded": 201, "again": 200, "outcome": "drifted"}
    found = rungwise("verify")
    assert found.status == 1
    assert "content was changed" in found.out


def test_a_plan_is_run_from_beside_its_data(rungwise: Callable[..., Result], table: Path) -> None:
    plan = table.with_name("plan.toml")
    plan.write_text(
        'data = "leads.csv"\nname = "from plan"\ntarget = "bought"\nstop_after = "define"\n'
        '[answers]\n"problem.use" = "all"\n'
    )
    ran = rungwise("run", plan, "--json", "-q")
    assert ran.status == 0
    assert ran.err == ""
    assert json.loads(ran.out)["session"] == "from plan"
    plan.write_text('data = "leads.csv"\ntarget = "bought"\n[answers]\n\n"problem.positive" = "maybe"\n')
    refused = rungwise("run", plan, "--stop-after", "define")  # only the data can tell
    assert refused.status == 2
    assert refused.err.splitlines()[-1].startswith(f"{plan}, line 5: problem.positive: 'maybe' is not offered")


# -- refusals before anything is computed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "--accept-recommended"),
        (("--accept-recommended",), "--target"),
        (("--target", "bought", "--accept-recommended", "--stop-after", "simpel"), "Did you mean simple?"),
        (
            ("--target", "bought", "--accept-recommended", "--answer", "problem.metrik=x"),
            "Did you mean problem.metric?",
        ),
        (
            ("--target", "bought", "--accept-recommended", "--answer", "problem.task=cluster"),
            "binary, multiclass, regression",
        ),
        (("--target", "bought", "--accept-recommended", "--why", "x"), "ID=VALUE"),
    ],
)
def test_a_run_that_cannot_be_is_refused_and_leaves_no_store(
    rungwise: Callable[..., Result], table: Path, tmp_path: Path, more: tuple[str, ...], says: str
) -> None:
    refused = rungwise("run", table, *more)
    assert refused.status == 2
    assert says in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not (tmp_path / "store").exists()


def test_the_app_needs_a_terminal(rungwise: Callable[..., Result], table: Path) -> None:
    for arguments in ((), ("new", table), ("--store", "x.sqlite3")):
        refused = rungwise(*arguments)
        assert refused.status == 2
        assert "terminal" in refused.err


def test_unknown_names_are_said_with_those_there_are(rungwise: Callable[..., Result], table: Path) -> None:
    assert rungwise("sessions").out.startswith("No sessions yet.")
    assert rungwise("log", "leads").status == 1  # no store yet
    rungwise("run", table, "--target", "bought", "--accept-recommended", "--stop-after", "define")
    for arguments in (
        ("log", "leeds"),
        ("replay", "leeds"),
        ("verify", "leeds"),
        ("predict", "leeds", table, "-o", "x.csv"),
    ):
        refused = rungwise(*arguments)
        assert refused.status == 2
        assert "there is leads." in refused.err
    assert rungwise("log", "leads", "--branch", "mian").status == 2


# -- bad input -------------------------------------------------------------------------------------------------------

ROWS = "".join(f"{i},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(60))
BAD = {
    "not a table": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "y"),
    "empty file": (b"", "y"),
    "only blanks": (b"\n\n  \n", "y"),
    "header only": (b"x,y\n", "y"),
    "missing target": (f"x,c,y\n{ROWS}".encode(), "z"),
    "constant target": (("x,y\n" + "1,a\n2,a\n" * 40).encode(), "y"),
    "one row": (b"x,y\n1,a\n", "y"),
    "one class": (("x,y\n" + "".join(f"{i},no\n" for i in range(50))).encode(), "y"),
    "target all missing": (("x,y\n" + "".join(f"{i},\n" for i in range(50))).encode(), "y"),
    "nul bytes": (b"x,y\n" + b"1,\x00\x00\n" * 30, "y"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_one_sentence_and_nothing_is_lost(
    rungwise: Callable[..., Result], tmp_path: Path, table: Path, name: str
) -> None:
    content, target = BAD[name]
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    rungwise("run", table, "--target", "bought", "--accept-recommended", "--stop-after", "define", "-q")
    ran = rungwise("run", bad, "--target", target, "--accept-recommended", "-q")
    assert ran.status in (1, 2), ran
    assert len(ran.err.splitlines()) == 1, ran.err
    assert len(ran.err) > 30
    assert ran.out == ""
    assert rungwise("verify").status == 0
    assert len(json.loads(rungwise("log", "leads", "--json").out)["decisions"]) > 10


@pytest.mark.parametrize("path", ["no/such.csv", "."])
def test_a_file_that_is_not_there(rungwise: Callable[..., Result], tmp_path: Path, path: str) -> None:
    ran = rungwise("run", tmp_path / path, "--target", "y", "--accept-recommended")
    assert ran.status == 1
    assert str(tmp_path) in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (f"x,x,y\n{ROWS}".encode(), "y"),  # duplicate names
        (f"x,[red]c\x1b[31m,y\n{ROWS}".encode(), "y"),  # markup and an escape sequence in a name
        (f"größe,c,y\n{ROWS}".encode("latin-1"), "y"),  # not UTF-8
        (
            ("x,c,y\n" + "".join(f"{i if i % 5 else 'many'},{i},{'ab'[i % 2]}\n" for i in range(60))).encode(),
            "y",
        ),  # mixed
    ],
    ids=["duplicate names", "markup", "encoding", "mixed types"],
)
def test_odd_data_goes_through_or_is_said(
    rungwise: Callable[..., Result], tmp_path: Path, content: bytes, target: str
) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_bytes(content)
    ran = rungwise("run", odd, "--target", target, "--accept-recommended", "--stop-after", "prepare", "-q")
    assert ran.status in (0, 1, 2)
    assert ran.status == 0 or len(ran.err.splitlines()) == 1
    shown = ran.out + ran.err + (rungwise("log", "odd").out if ran.status == 0 else "")
    assert "\x1b" not in shown


@pytest.mark.slow
def test_ten_thousand_columns(rungwise: Callable[..., Result], tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    names = ",".join(f"c{i}" for i in range(10_000))
    wide.write_text(f"{names},y\n" + "".join(",".join(["1"] * 10_000) + f",{'ab'[i % 2]}\n" for i in range(20)))
    ran = rungwise("run", wide, "--target", "y", "--accept-recommended", "--stop-after", "define", "-q")
    assert ran.status in (0, 1)


def test_stores_that_are_not_ours_newer_or_nowhere(
    rungwise: Callable[..., Result], tmp_path: Path, table: Path
) -> None:
    (tmp_path / "text").write_text("not a database, only words in a file")
    with sqlite3.connect(tmp_path / "other") as db:
        db.execute("create table t (x)")
    rungwise(
        "run",
        table,
        "--target",
        "bought",
        "--accept-recommended",
        "--stop-after",
        "define",
        "--store",
        tmp_path / "newer",
    )
    with sqlite3.connect(tmp_path / "newer") as db:
        db.execute("pragma user_version = 999")
    (tmp_path / "file").write_text("")
    for store, says in (
        ("text", "not a Rungwise store"), ("other", "another program"), ("newer", "newer Rungwise"),
        ("file/s", "--store"), (".", "folder"),
    ):  # fmt: skip
        content = (tmp_path / store).read_bytes() if (tmp_path / store).is_file() else b""
        for before in (True, False):
            named = ("--store", tmp_path / store)
            command = ("run", table, "--target", "bought", "--accept-recommended")
            ran = rungwise(*named, *command) if before else rungwise(*command, *named)
            assert (ran.status, len(ran.err.splitlines())) == (1, 1), ran
            assert says in ran.err
        assert not content or (tmp_path / store).read_bytes() == content


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path, table: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    arguments = ("run", table, "--target", "bought", "--accept-recommended", "--store", folder / "s")
    ran = process(*arguments, before=powerless)
    assert ran.returncode == 1, ran
    assert len(ran.stderr.splitlines()) == 1
    assert str(folder) in ran.stderr


def test_a_full_disk_loses_nothing_that_was_recorded(tmp_path: Path, table: Path) -> None:
    store = tmp_path / "s.sqlite3"
    arguments = (
        "run",
        table,
        "--target",
        "bought",
        "--accept-recommended",
        "--name",
        "full",
        "--stop-after",
        "prepare",
        "--store",
        store,
    )

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (260_000, 260_000))

    ran = process(*arguments, preexec_fn=small_disk)
    assert ran.returncode == 1, ran
    assert str(store) in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
    assert process("verify", "--store", store).returncode == 0
    assert process(*arguments).returncode == 0
    assert process("verify", "--store", store).returncode == 0


def test_an_interrupt_that_a_library_forgot_ends_the_run_before_the_next_trial() -> None:
    told: list[str] = []

    class Told:
        def stage(self, name: str) -> None: ...

        def began(self, trial: Trial) -> None:
            told.append(trial.label)

        def progressed(self, trial: Trial, progress: object) -> None: ...

        def ended(self, trial: Trial, evidence: object) -> None: ...

    with interrupts() as pressed:
        listener = Heeding(Told(), pressed)
        listener.began(Trial("fit", label="one"))
        with contextlib.suppress(KeyboardInterrupt):  # as the garbage collector does
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            listener.began(Trial("fit", label="two"))
        with pytest.raises(KeyboardInterrupt):  # a trial that failed of it: an import broken off is an ImportError
            listener.ended(Trial("fit", label="one"), Evidence("k", "fit", {}, error="initialization failed"))
    assert told == ["one"]


def test_interrupted_it_says_how_to_go_on(tmp_path: Path, table: Path) -> None:
    store = tmp_path / "s.sqlite3"
    arguments = ["run", str(table), "--target", "bought", "--accept-recommended", "--skip-deep", "--store", str(store)]
    ran = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert ran.stderr is not None
    for line in ran.stderr:
        if line.startswith("prepare"):
            break
    time.sleep(0.2)
    ran.send_signal(signal.SIGINT)
    out, err = ran.communicate(timeout=120)  # a fit that runs is finished first
    assert ran.returncode == 130, err
    assert out == ""
    last = err.splitlines()[-1]
    assert "keeps its" in last
    assert "--name leads" in last
    assert process("verify", "--store", store).returncode == 0


# -- the rest --------------------------------------------------------------------------------------------------------


def test_the_sample_is_written_and_never_over_something(rungwise: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    assert rungwise("sample", "-o", file).status == 0
    assert len(file.read_text().splitlines()) == 1501
    file.write_text("mine")
    refused = rungwise("sample", "-o", file)
    assert refused.status == 2
    assert file.read_text() == "mine"
    assert rungwise("sample", "-o", file, "--force").status == 0
    assert rungwise("sample", "-o", tmp_path / "no" / "c.csv").status == 1


def test_the_sample_is_what_its_program_makes() -> None:
    from tui.sample import SAMPLE
    from tui.sample.__main__ import COLUMNS, rows

    lines = [",".join(COLUMNS), *(",".join(row) for row in rows())]
    assert SAMPLE.read_text().splitlines() == lines


@pytest.mark.slow
def test_doctor_says_what_there_is(rungwise: Callable[..., Result]) -> None:
    examined = rungwise("doctor", "--json")
    assert examined.status == 0
    found = json.loads(examined.out)
    assert found["installed"]["versions"]["pandas"]
    assert found["store"]["exists"] is False
    assert found["sound"] is True
    assert "All is well." in rungwise("doctor").out
