"""A search as people do it: proposed trials, resumed after a kill, several goals, mistakes in one line."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
ALPHA = "model.estimator.alpha=tag(log,interval(0.01,100000))"
OPTUNA = "hydra/sweeper=optuna"


@pytest.fixture
def ridge(small: list[str]) -> list[str]:
    return ["run", "-m", OPTUNA, *small, "model=ridge", ALPHA]


def record(output: str = "runs") -> Path:
    (path,) = Path(output).glob("sweeps/*/sweep.json")
    return path.parent


def trials(output: str = "runs") -> list[tuple[str, float | None]]:
    """What was tried in order, and its CRPS on the validation part."""
    found: list[tuple[str, float | None]] = []
    for path in sorted(record(output).glob("[0-9]*.json")):
        job = json.loads(path.read_text())
        metrics = Path(output) / str(job["run"]) / "metrics.json"
        scores = json.loads(metrics.read_text())["validation"]["scores"]["model"] if job["run"] else {"crps": None}
        found.append((job["choices"][-1], scores["crps"]))
    return found


def test_a_search_is_a_sweep_of_trials_and_tells_its_best(forecastle: Command, ridge: list[str]) -> None:
    done = forecastle(*ridge, "hydra.sweeper.n_trials=5")
    assert done.code == 0, done.err
    tried = trials()
    assert len({word for word, _ in tried}) == 5
    best, score = min(tried, key=lambda each: each[1] or 0)
    assert f"best: trial {tried.index((best, score)) + 1}, run " in done.out
    assert best in done.out.splitlines()[-1]
    assert "5 runs, 5 computed, 0 reused, 0 failed" in done.out
    assert not any("test" in json.loads(path.read_text()) for path in Path("runs").glob("*/metrics.json"))
    assert not Path("runs/looks.jsonl").exists(), "a search never looks at the test part"
    assert forecastle("sweeps").out.splitlines()[-1].split()[3:7] == ["5", "5", "0", "0"]
    run = re.search(r"best: trial \d, run (\w{8})", done.out)
    assert run is not None
    ranked = [line for line in forecastle("compare", "last").out.splitlines() if re.match(r"\d  ", line)]
    assert len(ranked) == 5
    assert run[1] in ranked[0]


def test_the_same_command_computes_nothing_again_and_more_trials_go_on(forecastle: Command, ridge: list[str]) -> None:
    first = forecastle(*ridge, "hydra.sweeper.n_trials=4")
    before = trials()
    again = forecastle(*ridge, "hydra.sweeper.n_trials=4")
    assert "4 runs, 0 computed, 4 reused, 0 failed" in again.out
    assert again.out.splitlines()[-1] == first.out.splitlines()[-1]
    more = forecastle(*ridge, "hydra.sweeper.n_trials=6")
    assert "6 runs, 2 computed, 4 reused, 0 failed" in more.out
    assert trials()[:4] == before
    assert "6 runs, 0 computed, 6 reused, 0 failed" in forecastle("sweep", "resume", "last").out
    assert "6 runs, 0 computed, 6 reused, 0 failed" in forecastle(*ridge, "hydra.sweeper.n_trials=3").out


def test_a_run_that_was_removed_by_hand_is_computed_again(forecastle: Command, ridge: list[str]) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=5", "hydra.sweeper.batch=2"]
    forecastle(*words)
    before = trials()
    shutil.rmtree(Path("runs") / json.loads((record() / "00001.json").read_text())["run"])
    (record() / "00004.json").unlink()
    done = forecastle(*words)
    assert done.code == 0, done.err
    assert "5 runs, 1 computed, 4 reused, 0 failed" in done.out
    assert trials() == before


def test_a_section_of_an_experiment_file_is_a_search_space(
    forecastle: Command, small: list[str], workplace: Path
) -> None:
    folder = workplace / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /model: ridge\n"
        "search:\n  model.estimator.alpha: choice(1,10)\n  indicator: choice(minimal,core)\n"
    )
    words = [OPTUNA, "data=synthetic", "data.count=1500", "experiment=mine", "hydra.sweeper.sampler=grid"]
    done = forecastle("run", "-m", *words)
    assert done.code == 0, done.err
    assert [job[0] for job in trials()] == ["indicator=minimal", "indicator=core"] * 2
    assert "4 runs, 4 computed" in done.out
    fixed = forecastle("run", "-m", *words, "indicator=minimal", "output=fixed")
    assert "2 runs, 2 computed" in fixed.out
    (folder / "mine.yaml").write_text((folder / "mine.yaml").read_text().replace("(1,10)", "(1,20)"))
    changed = forecastle("run", "-m", *words)
    assert changed.code == 2
    assert "has another search space: model.estimator.alpha was choice(1,10) and is choice(1,20) now" in changed.err
    assert changed.err.count("\n") == 1
    anew = forecastle("sweep", "resume", record().name, "changed=anew")
    assert anew.code == 0, anew.err
    assert "4 runs, 2 computed, 2 reused" in anew.out


def test_a_file_of_the_group_search_is_one_too(forecastle: Command, small: list[str], workplace: Path) -> None:
    folder = workplace / "conf" / "search"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "model.estimator.alpha: tag(log, interval(1, 100000))\nmodel.lags: choice(1, 2, 5)\n"
    )
    done = forecastle("run", "-m", OPTUNA, *small, "model=ridge", "search=mine", "hydra.sweeper.n_trials=2")
    assert done.code == 0, done.err
    assert re.search(r"best: .*model\.estimator\.alpha=\S+ model\.lags=[125]$", done.out.replace("\n ", ""))


def test_several_goals_and_bounds(forecastle: Command, ridge: list[str]) -> None:
    goals = [
        "policy=sign",
        "account.costs.spread_bps=1",
        "hydra.sweeper.objectives=[crps,sharpe]",
        "hydra.sweeper.n_trials=6",
    ]
    done = forecastle(*ridge, *goals, "output=two")
    assert done.code == 0, done.err
    front = done.out.partition("trials that no other beats in crps and sharpe at once:\n")[2].splitlines()
    told = {}
    for path in sorted(record("two").glob("[0-9]*.json")):
        job = json.loads(path.read_text())
        part = json.loads(Path("two", job["run"], "metrics.json").read_text())["validation"]
        told[job["number"] + 1] = (part["scores"]["model"]["crps"], part["trading"]["sharpe"]["value"])
    unbeaten = {
        one
        for one, (crps, sharpe) in told.items()
        if not any(c <= crps and s >= sharpe and (c, s) != (crps, sharpe) for c, s in told.values())
    }
    assert {int(number) for number in re.findall(r"^  trial (\d+), run", "\n".join(front), re.MULTILINE)} == unbeaten

    both = forecastle(*ridge, *goals, "hydra.sweeper.constraints=['crps >= 0','turnover >= 0']", "output=bound")
    assert both.code == 0, both.err
    assert "trials that keep crps >= 0 and turnover >= 0 and that no other beats in crps and sharpe" in both.out

    crps = sorted(value for value, _ in told.values())
    bound = f"hydra.sweeper.constraints=['crps >= {(crps[0] + crps[1]) / 2}']"
    bounded = forecastle(*ridge, bound, "hydra.sweeper.sampler=random", "hydra.sweeper.n_trials=6")
    values = [value for _, value in trials() if value]
    best = min(value for value in values if value >= (crps[0] + crps[1]) / 2)
    assert f"crps {best:.5g}:" in bounded.out.splitlines()[-1] + bounded.out.splitlines()[-2]
    none = forecastle(*ridge, "hydra.sweeper.constraints=['crps <= 0']", "hydra.sweeper.n_trials=2", "output=none")
    assert none.out.splitlines()[-1] == "no trial that keeps crps <= 0"
    assert none.code == 1, "nothing was found"


def test_a_trial_that_fails_does_not_stop_the_search(forecastle: Command, small: list[str]) -> None:
    words = ["run", "-m", OPTUNA, *small, "model=ridge,logistic", "hydra.sweeper.sampler=grid"]
    done = forecastle(*words)
    assert done.code == 1
    assert "2 runs, 1 computed, 0 reused, 1 failed" in done.out
    assert "best: trial 1" in done.out
    again = forecastle(*words)
    assert again.code == 1
    assert "2 runs, 0 computed, 1 reused, 1 failed" in again.out, "what came after knew of it: it stays failed"


@pytest.mark.parametrize("batch", [1, 2])
def test_a_search_that_was_killed_ends_as_one_that_was_not(
    forecastle: Command, start: Callable[..., subprocess.Popen[str]], ridge: list[str], batch: int
) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=6", f"hydra.sweeper.batch={batch}"]
    assert forecastle(*words, "output=whole").code == 0
    running = start(*words, "output=killed")
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("[3/6]"):
            break
    time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=20)
    assert len(trials("killed")) < 6
    done = forecastle(*words, "output=killed")
    assert done.code == 0, done.err
    assert trials("killed") == trials("whole")
    assert "best: " in done.out


def test_workers_run_a_batch_side_by_side_and_propose_what_one_process_does(process: Command, ridge: list[str]) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=4", "hydra.sweeper.batch=2"]
    one = process(*words, "output=one")
    two = process(*words, "output=two", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert (one.code, two.code) == (0, 0), two.err
    assert trials("one") == trials("two")
    assert two.out.splitlines()[-1] == one.out.splitlines()[-1]


def test_a_study_that_is_at_work_is_not_begun_twice(
    forecastle: Command, ridge: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forecastle(*ridge, "hydra.sweeper.n_trials=2").code == 0
    from forecastle.runs.claim import claim

    with claim(Path("runs"), f"study-{record().name}", wait=False):
        refused = forecastle(*ridge, "hydra.sweeper.n_trials=3")
    assert refused.code == 2
    assert f"search {record().name} is at work already, by process {os.getpid()} on " in refused.err
    assert refused.err.count("\n") == 1
    before = json.loads((record() / "sweep.json").read_text())
    ended = subprocess.Popen(["true"])
    ended.wait()
    (record() / "sweep.json").write_text(json.dumps(before | {"pid": ended.pid}))
    with claim(Path("runs"), f"study-{record().name}", wait=False):
        begun_just_now = forecastle(*ridge, "hydra.sweeper.n_trials=3")
    assert "is at work already, by another process: one process proposes" in begun_just_now.err
    assert forecastle(*ridge, "hydra.sweeper.n_trials=3").code == 0


def test_a_study_whose_code_has_changed_says_so(
    forecastle: Command, ridge: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forecastle(*ridge, "hydra.sweeper.n_trials=2")
    monkeypatch.setattr("forecastle.pipeline.code_hash", lambda modules: "0" * 32)
    refused = forecastle(*ridge, "hydra.sweeper.n_trials=3")
    assert refused.code == 2
    assert "has changed: the code changed" in refused.err
    assert refused.err.count("\n") == 1
    assert "2 runs, 2 computed, 0 reused" in forecastle("sweep", "resume", "last", "changed=anew").out


def test_storage_that_is_gone_or_damaged_is_told_in_one_line(forecastle: Command, ridge: list[str]) -> None:
    forecastle(*ridge, "hydra.sweeper.n_trials=3")
    journal = record() / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])
    assert forecastle(*ridge, "hydra.sweeper.n_trials=4").code == 0, "a line that was half written is cut off"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], b"nonsense\n", *lines[4:]]))
    damaged = forecastle(*ridge, "hydra.sweeper.n_trials=4")
    assert damaged.code == 2
    assert damaged.err.startswith("forecastle: the search's storage cannot be used: runs/sweeps/")
    assert damaged.err.count("\n") == 1
    journal.unlink()
    gone = forecastle(*ridge, "hydra.sweeper.n_trials=4")
    assert gone.code == 2
    assert f"study.journal: the file is gone; `forecastle sweep resume {record().name} changed=anew`" in gone.err
    assert gone.err.count("\n") == 1
    anew = forecastle("sweep", "resume", "last", "changed=anew")
    assert "4 runs, 0 computed, 4 reused" in anew.out, "nothing that was finished is lost"


def test_a_study_may_lie_in_a_database(forecastle: Command, ridge: list[str]) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=2", "hydra.sweeper.storage=sqlite:///search.db"]
    assert forecastle(*words).code == 0
    here = trials()
    elsewhere = forecastle(*ridge, "hydra.sweeper.n_trials=2", "hydra.sweeper.storage=sqlite:///other.db")
    assert elsewhere.code == 2
    assert "is kept in sqlite:///search.db, not in sqlite:///other.db; `forecastle sweep resume " in elsewhere.err
    Path("search.db").unlink()
    gone = forecastle(*words)
    assert gone.code == 2
    assert "sqlite:///search.db: the file is gone; `forecastle sweep resume " in gone.err
    assert gone.err.count("\n") == 1
    assert not Path("search.db").exists(), "no empty one is made in its place"
    assert "2 runs, 0 computed, 2 reused" in forecastle("sweep", "resume", "last", "changed=anew").out
    assert trials() == here


def test_a_database_that_is_locked_meanwhile_is_told_with_what_there_is_and_loses_nothing(
    forecastle: Command, ridge: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=4", "hydra.sweeper.storage='sqlite:///search.db?timeout=0.1'"]
    assert forecastle(*words, "output=whole").code == 0
    Path("search.db").unlink()
    from forecastle.search.study import Study

    holder: list[sqlite3.Connection] = []
    tell = Study.tell

    def locked(self: Study, number: int, outcome: Any) -> None:
        if number == 2:
            holder.append(sqlite3.connect("search.db"))
            holder[0].execute("BEGIN EXCLUSIVE")
        tell(self, number, outcome)

    with monkeypatch.context() as patched:
        patched.setattr(Study, "tell", locked)
        stopped = forecastle(*words)
    assert stopped.code == 2
    (told,) = (line for line in stopped.err.splitlines() if line.startswith("forecastle: "))
    assert "database is locked; 3 of 4 runs of sweep " in told
    assert "forecastle sweep resume " in told
    holder[0].close()
    done = forecastle("sweep", "resume", "last")
    assert done.code == 0, done.err
    assert re.search(r"trial \d: proposed by process \d+ on .*, which ended before; run now", done.err)
    assert trials() == trials("whole")


def test_a_study_moves_to_another_storage_as_its_message_says(forecastle: Command, ridge: list[str]) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=2"]
    assert forecastle(*words).code == 0
    here = trials()
    typed = forecastle(*words, "hydra.sweeper.storage=sqlit:///search.db")
    assert "sqlit:///search.db: Can't load plugin: sqlalchemy.dialects:sqlit; did you mean 'sqlite'?" in typed.err
    refused = forecastle(*words, "hydra.sweeper.storage=sqlite:///search.db")
    assert refused.code == 2
    advice = re.search(r"`forecastle (sweep resume \w+ changed=anew \S+)` begins it anew", refused.err)
    assert advice is not None, refused.err
    lost = forecastle("sweep", "resume", "last", "changed=anew", "hydra.sweeper.storage=sqlite:////nowhere/a.db")
    assert lost.code == 2
    assert trials() == here, "a storage that cannot be used costs nothing"
    assert "2 runs, 0 computed, 2 reused" in forecastle(*advice[1].split()).out
    more = forecastle("sweep", "resume", "last", "hydra.sweeper.n_trials=3")
    assert "3 runs, 1 computed, 2 reused" in more.out, "it goes on in the new place"
    assert Path("search.db").is_file()
    assert not (record() / "study.journal").exists()
    assert "3 runs, 0 computed, 3 reused" in forecastle(*words, "hydra.sweeper.storage=sqlite:///search.db").out
    back = forecastle("sweep", "resume", "last", "changed=anew", "hydra.sweeper.storage=null")
    assert "2 runs, 0 computed, 2 reused" in back.out, "as many as its newest command asks for"


def test_the_variable_of_a_password_may_have_another_name(forecastle: Command, ridge: list[str]) -> None:
    words = [*ridge, "hydra.sweeper.n_trials=1", "hydra.sweeper.storage=sqlite:///search.db"]
    assert forecastle(*words, "hydra.sweeper.password_env=ONE").code == 0
    assert forecastle(*words, "hydra.sweeper.password_env=TWO").code == 0
    assert json.loads((record() / "study.json").read_text())["password_env"] == "TWO"


@pytest.mark.parametrize("batch", [1, 2])
def test_the_trial_that_ctrl_c_lets_finish_is_told_to_the_study(
    forecastle: Command, start: Callable[..., subprocess.Popen[str]], ridge: list[str], batch: int
) -> None:
    running = start(*ridge, "hydra.sweeper.n_trials=200", f"hydra.sweeper.batch={batch}")
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("[2/200]"):
            break
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    from forecastle.search.opening import kept

    with kept(record()) as study:
        states = [trial.state.name for trial in study.get_trials()]
    done = len(trials())
    assert 2 <= done < 200
    assert states.count("COMPLETE") == done
    assert len(states) - done <= batch, "only of the last batch some may not have begun"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=ridge"], "nothing to search: a range is wanted"),
        (["model.estimator.alpa=interval(0,1)"], "unknown key 'model.estimator.alpa'; did you mean 'alpha'?"),
        (["modl.estimator.alpha=interval(0,1)"], "unknown key 'modl.estimator.alpha'; did you mean 'model'?"),
        (["model=interval(0,1)"], "model is a choice of files, which has no numbers"),
        (["model=ridge,rigde"], "model: no choice 'rigde'; did you mean 'ridge'?"),
        (["model=ridge,random_forest", ALPHA], "varies each key in all its trials, and model=random_forest has no"),
        (["season=choice(1,2"], "'season=choice(1,2' cannot be read, KEY=VALUE is wanted: a bracket is not closed"),
        (["season=interval(1,9)"], "season must be int, got 1.0; a range of whole numbers is wanted: season=int(int"),
        (["season=tag(log,interval(1,9))"], "is wanted: season=tag(log,int(interval(1,9)))"),
        (["season=range(1,9,0.5)"], "is wanted: season=range(1,9)"),
        (["season=interval(2,9)", "model.lags=interval(1,3)", ALPHA], "season=int(interval(2,9)), model.lags=int(int"),
        (["model=random_forest", "model.estimator.max_depth=interval(2,8)"], "wanted: model.estimator.max_depth=int("),
        (["model=nlinear", "trainer.max_epochs=interval(1,3)"], "wanted: trainer.max_epochs=int(interval(1,3))"),
        (["season=int(interval(a,9))"], "season=int(interval(a,9)) is no range: mismatch type argument start: str is"),
        (["season=interval(1)"], "choice(A,B,…), range(START,STOP,STEP) or interval(LOW,HIGH) is wanted"),
        (
            [ALPHA, "hydra.sweeper.storage=mysql://me@localhost/x"],
            "'MySQLdb', which is not installed and comes with no",
        ),
        (["experiment=search_ridge,search_lasso"], "its files bring what is searched; take one of them"),
        ([ALPHA, "hydra.sweeper.constraints=[turnover <= 100]"], "'hydra.sweeper.constraints=[\"turnover <= 100\"]'"),
        ([ALPHA, "hydra.sweeper.constraints=turnover <= 100"], "'hydra.sweeper.constraints=[\"turnover <= 100\"]'"),
        ([ALPHA, "hydra.sweeper.objectives=crps,mae"], "a list is written hydra.sweeper.objectives=[crps,mae]"),
        ([ALPHA, "hydra.sweepr.n_trials=3"], "unknown key 'hydra.sweepr.n_trials'; did you mean 'sweeper'?"),
        (
            [ALPHA, "hydra/launcher=jobib"],
            "hydra/launcher: no choice 'jobib'; did you mean 'joblib'? (there are: basic",
        ),
        ([ALPHA, "hydra/launchr=joblib"], "unknown key 'hydra/launchr'; did you mean 'hydra/launcher'?"),
        ([ALPHA, "hydra.launcher.n_jobs=2"], "what is chosen there has no settings; hydra/launcher=joblib has n_jobs"),
        ([ALPHA, "hydra.sweeper.storage=sqlite://"], "must be a file or a server, got sqlite://"),
        (["season=int(interval(0,9))"], "season must be at least 1, got 0"),
        (["horizon=range(1,9)"], "trials that differ in horizon answer different questions"),
        (["workers=1,2"], "workers changes no number"),
        (["model.estimator.alpha=interval(2,1)"], "the ends must ascend"),
        (["search=mine"], "search: no choice 'mine' (there are none; conf/search/mine.yaml would be one)"),
        ([ALPHA, "hydra.sweeper.sampler=tpi"], "no sampler 'tpi'; did you mean 'tpe'?"),
        ([ALPHA, "hydra.sweeper.sampler=grid"], "has no end of values"),
        (["season=int(interval(1,9999999))", "hydra.sweeper.sampler=grid"], "a grid of 9999999 points"),
        (["model=ridge,lasso", "hydra.sweeper.sampler=cmaes"], "cmaes searches numbers only, and model=ridge,lasso"),
        ([ALPHA, "hydra.sweeper.n_trials=0"], "n_trials must be at least 1 or null, got 0"),
        ([ALPHA, "hydra.sweeper.n_trials=many"], "hydra.sweeper.n_trials must be int or null, got 'many'"),
        ([ALPHA, "hydra.sweeper.batch=0"], "hydra.sweeper.batch must be at least 1, got 0"),
        ([ALPHA, "hydra.sweeper.n_trial=3"], "unknown key 'hydra.sweeper.n_trial'; did you mean 'n_trials'?"),
        ([ALPHA, "hydra.sweeper.objectives=[crsp]"], "no metric 'crsp' is reported; did you mean 'crps'? (there are:"),
        ([ALPHA, "hydra.sweeper.objectives=[log_loss]"], "no metric 'log_loss' is reported"),
        ([ALPHA, "hydra.sweeper.objectives=[coverage_80]"], "coverage_80 has no better and worse"),
        ([ALPHA, "hydra.sweeper.objectives=[sharpe]"], "sharpe is a figure of traded runs: choose a policy"),
        ([ALPHA, "hydra.sweeper.objectives=[]"], "at least one is wanted"),
        ([ALPHA, "hydra.sweeper.constraints=['crps < 3']"], "a constraint is a metric, <= or >=, and a number"),
        ([ALPHA, "hydra.sweeper.constraints=['turnover <= 3']"], "turnover is a figure of traded runs"),
        ([ALPHA, "hydra.sweeper.storage=search.db"], "hydra.sweeper.storage must be a URL"),
        ([ALPHA, "hydra.sweeper.storage=postgresql://me:s3cret@localhost/x"], "must hold no password"),
        ([ALPHA, "hydra.sweeper.storage=sqlite:////nowhere/at/all.db"], "unable to open database file"),
    ],
)
def test_a_mistake_is_told_in_one_line_before_anything_is_run(
    forecastle: Command, small: list[str], words: list[str], message: str
) -> None:
    refused = forecastle("run", "-m", OPTUNA, *small, *words)
    assert refused.code == 2, refused.out + refused.err
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert "s3cret" not in refused.err
    assert not list(Path().glob("runs/sweeps/*/sweep.json")), "no sweep was begun"


def test_optuna_is_named_with_its_extra_where_it_is_missing(
    forecastle: Command, ridge: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecastle.sweeps.searching.find_spec", lambda name: None)
    refused = forecastle(*ridge)
    assert refused.code == 2
    assert "needs the package 'optuna', which is not installed: pip install 'forecastle[search]'" in refused.err


def test_a_run_does_not_import_optuna(process: Command, small: list[str], workplace: Path) -> None:
    (workplace / "look.py").write_text(
        "import sys\nfrom forecastle.__main__ import main\nmain(sys.argv[1:])\nassert 'optuna' not in sys.modules\n"
    )
    done = process("run", "-m", *small, "model=ridge,last_value", module="look")
    assert done.code == 0, done.err


def test_a_trial_that_is_proposed_again_is_told_its_value_and_shown_once(forecastle: Command, small: list[str]) -> None:
    done = forecastle("run", "-m", OPTUNA, *small, "model=ridge,last_value", "hydra.sweeper.n_trials=5")
    assert done.code == 0, done.err
    assert "5 runs, 2 computed, 3 reused, 0 failed" in done.out
    assert "2 runs compared" in done.out
    assert len({word for word, _ in trials()}) == 2


def test_a_search_ends_after_as_many_failures_as_are_allowed(forecastle: Command, small: list[str]) -> None:
    words = ["run", "-m", OPTUNA, *small, "model=logistic,ridge,lasso", "hydra.sweeper.sampler=grid"]
    stopped = forecastle(*words, "max_failures=1")
    assert stopped.code == 1
    assert "left out after 1 failure (max_failures=1)" in stopped.err
    assert "3 runs, 0 computed, 0 reused, 1 failed, 2 left" in stopped.out
    assert "no trial has a value" in stopped.out
    on = forecastle("sweep", "resume", "last")
    assert "3 runs, 2 computed, 0 reused, 1 failed" in on.out


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_ends_as_one_that_was_not(
    forecastle: Command, start: Callable[..., subprocess.Popen[str]], ridge: list[str]
) -> None:
    workers = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweeper.batch=3"]
    words = [*ridge, "model.lags=1,2,5", "hydra.sweeper.n_trials=30", *workers]
    assert forecastle(*words, "output=whole").code == 0
    moment = random.Random(0)
    for _ in range(12):
        running = start(*words, "output=killed")
        ended, line = moment.randint(1, 5), ""  # jobs of this process
        assert running.stderr is not None
        while ended and (line := running.stderr.readline()):
            ended -= line.startswith("[")
        time.sleep(moment.uniform(0, 0.3 if line else 0))
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
    done = forecastle(*words, "output=killed")
    assert done.code == 0, done.err
    assert trials("killed") == trials("whole")
    assert len(list(Path("killed").glob("*/manifest.json"))) == len(list(Path("whole").glob("*/manifest.json")))
