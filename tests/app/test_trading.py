"""Trading as a user meets it: lines after the scores, the same through every door, and mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.app.conftest import otherwise

from forecastle import stages
from forecastle.config.compose import conf_folder

REPOSITORY = conf_folder().parent

TRADED = (
    "policy=threshold",
    "policy.multiple=0",
    "account.costs.spread_bps={0:1,17:4,18:1}",
    "account.costs.swap_long_bps=0.5",
)


def metrics_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("runs/*/metrics.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_policy_adds_its_verdict_to_the_scores_of_each_part(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    outcome = forecastle("run", *small, *TRADED)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("\ntrading by threshold: ") == 2
    assert max(map(len, outcome.out.splitlines())) <= 100
    for part, scores in metrics_of(workplace).items():
        told = scores["trading"]
        assert told["net"]["bps"] == pytest.approx(told["gross"]["bps"] - told["costs"]["bps"])
        assert told["costs"]["spread"] > 0, part
        assert told["trades"] > 0
    (equity,) = workplace.glob("runs/*/equity.parquet")
    table = pq.read_table(equity).to_pandas()
    assert set(table["part"]) == {"validation", "test"}
    assert table["net"].iloc[-1] == pytest.approx(1 + metrics_of(workplace)["test"]["trading"]["net"]["bps"] / 1e4)
    (page,) = workplace.glob("runs/*/report.html")
    assert '<section id="trading">' in page.read_text()


def test_the_random_walk_takes_no_side(forecastle: Callable[..., Any], small: list[str], workplace: Path) -> None:
    words = ["model=random_walk", "policy=sign", "account.costs.spread_bps=1"]
    assert forecastle("run", *small, *words).code == 0
    for scores in metrics_of(workplace).values():
        assert scores["trading"]["trades"] == 0
        assert scores["trading"]["net"]["bps"] == 0


def test_an_account_that_is_ruined_says_so_and_has_no_sharpe_ratio(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    words = ["policy=sign", "policy.limits=[-80,80]", "account.leverage=80", "account.costs.spread_bps=5"]
    outcome = forecastle("run", *small, *words)
    assert outcome.code == 0, outcome.err
    assert "nothing was left of SYN" in outcome.out
    assert "everything was lost" in outcome.out
    ruined = [scores["trading"] for scores in metrics_of(workplace).values() if scores["trading"]["ruined"]]
    assert ruined
    for told in ruined:
        assert told["sharpe"] is told["sortino"] is None


def test_a_run_without_a_policy_knows_nothing_of_trading(workplace: Path, small: list[str]) -> None:
    script = (
        "import sys\nfrom forecastle.__main__ import main\n"
        f"assert main(['run', *{small}]) == 0\n"
        "print([name for name in sys.modules if name.startswith('forecastle.evaluation.trading')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=workplace, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all("trading" not in scores for scores in metrics_of(workplace).values())
    assert not list(workplace.glob("runs/*/equity.parquet"))


def test_the_account_is_part_of_the_identity_where_something_is_traded(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    for words in ([], ["account.capital=5"], ["policy=none"]):
        assert forecastle("run", *small, *words).code == 0
    assert len(list(workplace.glob("runs/*/metrics.json"))) == 1
    for words in ([], ["account.capital=5"], ["policy.multiple=1"]):
        assert forecastle("run", *otherwise([*small, *TRADED], *words)).code == 0
    assert len(list(workplace.glob("runs/*/metrics.json"))) == 4


def test_a_traded_run_is_reproduced_and_opened_later(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    assert forecastle("run", "-m", *small, *TRADED).code == 0
    assert list(metrics_of(workplace)) == ["validation"]
    opened = forecastle("evaluate", "last", "part=test")
    assert opened.code == 0, opened.err
    assert opened.out.count("\ntrading by threshold: ") == 2
    (equity,) = workplace.glob("runs/*/equity.parquet")
    assert set(pq.read_table(equity)["part"].to_pylist()) == {"validation", "test"}
    again = forecastle("reproduce", "last")
    assert again.code == 0, again.out


def test_the_stages_of_dvc_trade_to_the_same_bytes(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    assert forecastle("run", *small, *TRADED).code == 0
    assert forecastle("params", *small, *TRADED).code == 0
    for stage in stages.STAGES:
        stages.main([stage])
    (run,) = workplace.glob("runs/*/metrics.json")
    assert (workplace / "data" / "metrics.json").read_bytes() == run.read_bytes()
    (equity,) = workplace.glob("runs/*/equity.parquet")
    assert (workplace / "data" / "scores" / "equity.parquet").read_bytes() == equity.read_bytes()
    assert '<section id="trading">' in (workplace / "data" / "report.html").read_text()


def test_the_test_stretches_of_all_folds_are_traded_as_one(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    walk = ("split=walk_forward", "split.refit=200", "split.validation=200")
    assert forecastle("run", *small, *TRADED, *walk).code == 0
    test = metrics_of(workplace)["test"]
    assert len(test["by_fold"]) > 1
    assert test["origins"] <= test["trading"]["bars"] <= test["origins"] + 5
    assert test["trading"]["by_path"] == []


def test_paths_through_the_same_time_share_the_capital(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    outcome = forecastle("run", *otherwise(small, *TRADED, "data.count=4000", "split=combinatorial_purged"))
    assert outcome.code == 0, outcome.err
    told = metrics_of(workplace)["test"]["trading"]
    assert len(told["by_path"]) == 5
    assert sum(path["net_bps"] for path in told["by_path"]) / 5 == pytest.approx(told["net"]["bps"])
    assert "in equal parts on 5 paths" in outcome.out


def test_policies_with_a_common_setting_make_a_sweep(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    outcome = forecastle("run", "-m", *small, "policy=sign,threshold", "policy.step=3", "account.costs.spread_bps=1")
    assert outcome.code == 0, outcome.err
    configs = [path.read_text() for path in workplace.glob("runs/*/config.yaml")]
    assert len(configs) == 2
    assert all("\n  step: 3\n" in text for text in configs)


WRONG = {
    "no spread": (["policy=sign"], ["SYN: costs need a spread", "account.costs.spread_bps=1"]),
    "a target without direction": (
        ["policy=volatility_targeted", "target=volatility", "account.costs.spread_bps=1"],
        ["a target that tells up from down is wanted", "got target=volatility"],
    ),
    "a point forecast": (
        ["policy=kelly", "model=last_value", "account.costs.spread_bps=1"],
        ["policy kelly needs a distribution, got a point forecast"],
    ),
    "a median for a forecast": (
        ["policy=kelly", "quantile_levels=[0.5]", "metric=crps", "account.costs.spread_bps=1"],
        ["policy kelly needs a distribution"],
    ),
    "weights that do not sum to 1": (
        ["policy=sign", "account.costs.spread_bps=1", "account.weights={SYN:0.5}"],
        ["account: weights must sum to 1, got 0.5"],
    ),
    "weights of another symbol": (
        ["policy=sign", "account.costs.spread_bps=1", "account.weights={SIN:1}"],
        ["account.weights: no symbol 'SIN'", "did you mean 'SYN'?"],
    ),
    "negative costs": (
        ["policy=sign", "account.costs.commission_bps=-1"],
        ["account: commission_bps must be a number of at least 0, got -1"],
    ),
    "a text for a cost": (
        ["policy=sign", "account.costs.slippage_bps=much"],
        ["account.costs.slippage_bps must be float"],
    ),
    "a step that is not forecast": (
        ["policy=sign", "policy.step=9", "account.costs.spread_bps=1"],
        ["policy.step must be a step that is forecast (1 to 5), got 9"],
    ),
    "limits beyond the leverage": (
        ["policy=sign", "policy.limits=[-2,2]", "account.costs.spread_bps=1"],
        ["policy.limits [-2, 2] need a leverage of 2, got account.leverage=1"],
    ),
    "a setting without a policy": (["policy.step=2"], ["policy.step: nothing is traded", "policy=sign"]),
    "a typo in a setting": (
        ["policy=sign", "policy.stp=2"],
        ["policy: unknown argument 'stp'", "did you mean 'step'?"],
    ),
    "a typo in a policy": (["policy=kely"], ["policy: no choice 'kely'", "did you mean 'kelly'?"]),
    "a typo in an account": (["policy=sign", "account.capitl=1"], ["'account.capitl'", "did you mean 'capital'?"]),
    "nothing that could be traded": (["policy=sign", "policy.limits=[0,0]"], ["policy: limits must leave room"]),
}


@pytest.mark.parametrize(("words", "parts"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_in_one_line(
    words: list[str], parts: list[str], forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    outcome = forecastle("run", *small, *words)
    assert outcome.code == 2, outcome
    told = outcome.err.splitlines()[-1]
    assert told.startswith("forecastle: ")
    for part in parts:
        assert part in told
    assert not list(workplace.glob("runs/*/metrics.json"))


@pytest.mark.slow
def test_the_shipped_experiment_ends_with_the_verdict_of_the_readme(
    forecastle: Callable[..., Any], workplace: Path, shared_data: Path
) -> None:
    path = shared_data / "fx" / "oanda_EURUSD_hour.parquet"
    outcome = forecastle("run", "experiment=fx_hourly_direction", f"data.path={path}")
    assert outcome.code == 0, outcome.err
    said = outcome.out.partition("\ntest\n")[2]
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    verdict = said[said.index("trading by") : said.index("\n\nthis test part")]
    assert verdict in readme
    assert "no profit that this sample shows" in verdict
