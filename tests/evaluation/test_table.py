"""Tables for the terminal."""

from __future__ import annotations

from copy import deepcopy

import pytest

from forecastle.evaluation.aim import Aim, Constraint
from forecastle.evaluation.layout import WIDTH
from forecastle.evaluation.metric import Direction
from forecastle.evaluation.ranking import ranked, render_ranking
from forecastle.evaluation.table import render

SCORES = {
    "target": "log_return",
    "objective": "crps",
    "direction": "min",
    "unit": "log return",
    "windows": 1000,
    "origins": 500,
    "origins_wanted": 50,
    "horizon": 5,
    "steps": [1, 2, 3, 4, 5],
    "start": "2015-01-01T00:00:00Z",
    "end": "2017-09-26T00:00:00Z",
    "metrics": {
        "crps": {"unit": "log return", "direction": "min"},
        "coverage_80": {"unit": "fraction", "direction": "none"},
        "hit_rate": {"unit": "fraction", "direction": "max"},
        "information_coefficient": {"unit": "correlation", "direction": "max"},
    },
    "scores": {
        "model": {"crps": 0.008124, "coverage_80": 0.8124, "hit_rate": 0.513, "information_coefficient": 0.0312},
        "last_value": {"crps": 0.0117, "coverage_80": 0.01, "hit_rate": 0.5, "information_coefficient": None},
        "seasonal_naive": {"crps": 0.0123, "coverage_80": 0.7, "hit_rate": 0.49, "information_coefficient": -0.01},
        "random_walk": {"crps": 0.0081, "coverage_80": 0.8, "hit_rate": 0.5, "information_coefficient": None},
    },
    "interval": {
        "model": {"low": 0.0079, "high": 0.0084},
        "last_value": {"low": 0.011, "high": 0.012},
        "seasonal_naive": {"low": 0.0119, "high": 0.0129},
        "random_walk": {"low": 0.0078, "high": 0.0084},
    },
    "skill": {
        "last_value": {"value": 0.305, "low": 0.28, "high": 0.33, "by_step": [], "significant": True},
        "seasonal_naive": {"value": None, "low": None, "high": None, "by_step": [], "significant": False},
        "random_walk": {"value": -0.004, "low": -0.011, "high": 0.003, "by_step": [], "significant": False},
    },
    "slices": {},
    "by_symbol": {"SP500": {"model": 0.008124, "last_value": 0.0117, "seasonal_naive": 0.0123, "random_walk": 0.0081}},
    "by_fold": [{"fold": 0, "scores": {"model": 0.008124, "random_walk": 0.0081}}],
    "paths": {"count": 1, "mean": {"model": 0.008124}, "sd": {"model": None}},
}


def part(value, **changes):
    made = deepcopy(SCORES)
    made["scores"]["model"][changes.get("objective", "crps")] = value
    return {**made, **changes}


def row(name, value, **changes):
    return {"name": name, "run": f"id-{name}"[:12], "error": None, "part": part(value, **changes)}


def test_a_part_is_told_with_all_baselines_arrows_and_interval():
    text = render(SCORES, "ridge")
    lines = text.splitlines()
    assert lines[0].startswith("1000 windows of 5 steps from 500 origins, 2015-01-01 to 2017-09-26; crps in log return")
    starts = [line.split()[0] for line in lines]
    assert [name for name in ("ridge", "last_value", "seasonal_naive", "random_walk") if name in starts] == [
        "ridge", "last_value", "seasonal_naive", "random_walk",
    ]  # fmt: skip
    assert "crps ↓" in text
    assert "rate ↑" in text
    model = next(line for line in lines if line.startswith("ridge "))
    assert model.split() == ["ridge", "0.008124", "[0.007900,", "0.008400]", "0.812", "0.513", "0.03120"]
    assert next(line for line in lines if line.startswith("last_value")).endswith("–")


def test_verdicts_say_plainly_what_was_shown():
    lines = render(SCORES, "ridge").splitlines()
    assert lines[-3:] == [
        "ridge against last_value: skill +30.5 % [+28.0, +33.0] of crps: better",
        "ridge against seasonal_naive: skill of crps is undefined",
        "ridge against random_walk: skill -0.4 % [-1.1, +0.3] of crps: no difference that this sample shows",
    ]


def test_a_worse_model_and_a_missing_interval_are_said_too():
    scores = deepcopy(SCORES)
    scores["skill"]["last_value"].update(value=-0.2, low=-0.3, high=-0.1)
    scores["skill"]["random_walk"].update(low=None, high=None)
    text = render(scores, "ridge")
    assert "skill -20.0 % [-30.0, -10.0] of crps: worse" in text
    assert "skill -0.4 % of crps: no interval" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"origins": 24}, "24 origins, at least 50 wanted"),
        ({"origins": 24, "origins_wanted": None}, "crps is no mean over windows"),
        ({}, "random_walk leaves nothing to gain in some resamples"),
    ],
)
def test_a_missing_interval_is_said_with_its_reason(changes, said):
    scores = {**deepcopy(SCORES), **changes}
    scores["skill"]["random_walk"].update(low=None, high=None)
    text = " ".join(render(scores, "ridge").split())
    assert f"skill -0.4 % of crps: no interval ({said}), so nothing is shown" in text


def test_a_baseline_is_not_judged_against_itself():
    scores = deepcopy(SCORES)
    scores["skill"]["random_walk"].update(value=0.0, low=0.0, high=0.0)
    text = render(scores, "random_walk")
    assert "random_walk against last_value" in text
    assert "random_walk against random_walk" not in text
    assert sum(line.startswith("random_walk  ") for line in text.splitlines()) == 2
    scores["skill"]["seasonal_naive"].update(value=0.1, low=0.05, high=0.15, significant=True)
    assert "seasonal_naive against seasonal_naive: skill +10.0 %" in render(scores, "seasonal_naive")


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (-0.0011, -0.0014, -0.00032, "-0.11 % [-0.14, -0.03] of crps: worse"),
        (0.001, 0.000049, 0.002, "+0.100 % [+0.005, +0.200] of crps: better"),
        (0.001, 0.001, 0.002, "+0.1 % [+0.1, +0.2] of crps: better"),
        (0.0, -0.0001, 0.0001, "+0.0 % [+0.0, +0.0] of crps: no difference"),
    ],
)
def test_an_interval_never_contradicts_its_verdict(value, low, high, said):
    scores = deepcopy(SCORES)
    scores["skill"]["random_walk"].update(value=value, low=low, high=high, significant=low > 0 or high < 0)
    assert f"skill {said}" in " ".join(render(scores, "ridge").split())


def test_every_line_fits_the_width_and_what_does_not_is_named():
    scores = deepcopy(SCORES)
    names = [f"mean_weighted_quantile_loss_{i}" for i in range(12)]
    for name in names:
        scores["metrics"][name] = {"unit": "fraction of price", "direction": "min"}
        for each in scores["scores"].values():
            each[name] = 0.012345
    text = render(scores, "a_model_with_a_name_that_goes_on_and_on_for_ever")
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert names[-1] in text.split("also scored: ")[1]


@pytest.mark.parametrize(("value", "shown"), [(1234.5678, "1235"), (0.81, "0.8100"), (1.2345e-5, "0.00001234")])
def test_numbers_have_four_digits(value, shown):
    scores = deepcopy(SCORES)
    for each in scores["scores"].values():
        each["information_coefficient"] = value
    model = next(line for line in render(scores, "ridge").splitlines() if line.startswith("ridge "))
    assert model.split()[-1] == shown


def test_runs_are_ranked_in_the_direction_of_their_objective():
    rows = [row("a", 0.3), row("b", 0.1), row("c", 0.2)]
    assert [each["name"] for each in ranked(rows)] == ["b", "c", "a"]
    rows = [row(name, value, objective="hit_rate", direction="max") for name, value in (("a", 0.3), ("b", 0.5))]
    assert [each["name"] for each in ranked(rows)] == ["b", "a"]


def test_rows_without_a_score_come_last():
    failed = {"name": "bad", "run": None, "error": "no such thing", "part": None}
    rows = [failed, row("nothing", None), row("good", 0.2)]
    assert [each["name"] for each in ranked(rows)] == ["good", "bad", "nothing"]


def test_a_ranking_shows_choice_run_score_skill_and_the_number_of_trials():
    failed = {"name": "model=svr", "run": None, "error": "horizon must be at least 1, got 0", "part": None}
    rows = [row("model=lasso", 0.0090), failed, row("model=ridge", 0.0080)]
    lines = render_ranking(rows).splitlines()
    assert lines[:2] == [
        "log_return: crps in log return over 5 steps [95 %]",
        "SP500: 1000 windows, 2015-01-01 to 2017-09-26; random_walk 0.008100",
    ]
    assert lines[-4].split()[:3] == ["1", "model=ridge", "id-model=rid"]
    assert lines[-4].endswith("-0.4 % [-1.1, +0.3]")
    assert lines[-3].startswith("2  model=lasso")
    assert lines[-2] == "failed: model=svr: horizon must be at least 1, got 0"
    assert lines[-1] == "2 runs compared (1 without a score): part of the lead of the best is luck"


def test_where_nothing_is_better_than_the_baseline_it_is_said():
    last = "2 runs compared: none scores better than random_walk"
    assert render_ranking([row("a", 0.2), row("b", 0.3)]).splitlines()[-1] == last
    walk = SCORES["scores"]["random_walk"]["crps"]
    assert render_ranking([row("a", walk), row("b", 0.3)]).splitlines()[-1] == last
    apart = render_ranking([row("a", 0.2), row("b", 0.3), row("c", 0.1, windows=900)]).splitlines()[-1]
    assert apart == "3 runs in 2 tables, compared within each only: none scores better than random_walk"


def traded(name, crps, sharpe, turnover=5.0, hold=0.5):
    made = row(name, crps)
    made["part"]["trading"] = {
        "sharpe": None if sharpe is None else {"value": sharpe},
        "turnover": turnover,
        "against": {"buy_and_hold": {"sharpe": {"value": hold}}},
    }
    return made


def test_what_a_search_was_after_ranks_its_runs_in_its_direction():
    aim = Aim({"sharpe": Direction.MAX}, (), "abcd1234")
    rows = [traded("a", 0.007, 0.4), traded("b", 0.009, 1.2), traded("c", 0.008, None), traded("d", 0.01, 0.6)]
    assert [each["name"] for each in ranked(rows, aim)] == ["b", "d", "a", "c"]
    lines = render_ranking(rows, aim).splitlines()
    assert "ranked by sharpe ratio per year, net of costs (higher is better), the objective of search abcd1234" in lines
    assert "c: sharpe is undefined" in lines
    assert lines[-1] == "3 runs compared (1 without a score): part of the lead of the best is luck"
    (head,) = [line for line in lines if line.lstrip().startswith("choice")]
    assert head.split()[1:4] == ["run", "sharpe", "↑"]
    worse = [traded("a", 0.007, 0.4), traded("b", 0.009, 0.2)]
    assert render_ranking(worse, aim).splitlines()[-1] == "2 runs compared: none scores better than buy_and_hold"


def test_several_objectives_are_shown_with_their_front_and_bounds_are_kept():
    aim = Aim({"sharpe": Direction.MAX, "crps": Direction.MIN}, (Constraint.read("turnover <= 10"),), "abcd1234")
    rows = [
        traded("a", 0.007, 0.4),
        traded("b", 0.009, 1.2),
        traded("c", 0.010, 1.0),
        traded("d", 0.006, 9.0, turnover=99.0),
    ]
    assert [each["name"] for each in ranked(rows, aim)] == ["b", "c", "a", "d"]
    lines = render_ranking(rows, aim).splitlines()
    places = {line.split()[1]: line.split() for line in lines[:-1] if line[:1].isdigit()}
    marked = {name: (words.count("yes"), words.count("no")) for name, words in places.items()}
    assert marked == {"b": (2, 0), "c": (1, 0), "a": (2, 0), "d": (0, 1)}


def test_a_name_too_long_for_its_column_stands_whole_on_a_line_of_its_own():
    names = ["model.estimator.alpha=561.301 model.calibration=0.45 transform.scaler.quantile_range=0.1", "b"]
    text = render_ranking([row(name, 0.007) for name in names])
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert f"\n   {names[0]}\n" in text


def test_questions_that_cannot_be_compared_stand_apart():
    rows = [row("a", 0.2), row("b", 0.6, objective="hit_rate", direction="max", unit="fraction"), row("c", 0.1)]
    text = render_ranking(rows)
    assert text.index("crps in log return") < text.index("hit_rate in fraction")
    assert [each["name"] for each in ranked(rows)] == ["c", "a", "b"]


def other_walk():
    made = part(0.1)
    made["scores"]["random_walk"]["crps"] = 0.0082
    return made["scores"]


@pytest.mark.parametrize(
    ("changes", "headed"),
    [
        ({"target": "volatility"}, "volatility: crps in log return over 5 steps"),
        ({"unit": "fraction"}, "log_return: crps in fraction over 5 steps"),
        ({"horizon": 6, "steps": [1, 2, 3, 4, 5, 6]}, "log_return: crps in log return over 6 steps"),
        ({"by_symbol": {"GOLD": SCORES["by_symbol"]["SP500"]}}, "GOLD: 1000 windows"),
        ({"windows": 900}, "SP500: 900 windows"),
        ({"start": "2015-02-01T00:00:00Z"}, "1000 windows, 2015-02-01 to 2017-09-26"),
        ({"end": "2018-02-01T00:00:00Z"}, "1000 windows, 2015-01-01 to 2018-02-01"),
        ({"scores": other_walk()}, "random_walk 0.0082"),
    ],
)
def test_runs_of_another_target_data_or_windows_are_not_ranked_together(changes, headed):
    rows = [row("a", 0.0072), row("b", 0.0071, **changes), row("c", 0.00715)]
    assert [each["name"] for each in ranked(rows)] == ["c", "a", "b"]
    first, second, last = render_ranking(rows).split("\n\n")[0], *render_ranking(rows).split("\n\n")[1].rsplit("\n", 1)
    assert headed not in first
    assert headed in second
    assert [line.split()[0] for line in second.splitlines()[-1:]] == ["1"]
    assert last == ("3 runs in 2 tables, compared within each only: part of the lead of the best is luck")


def test_a_ranking_of_many_symbols_names_some_and_counts_the_rest():
    symbols = dict.fromkeys((f"S{number}" for number in range(20)), SCORES["by_symbol"]["SP500"])
    assert "S0, S1, S2, S3, S4, S5 and 14 more: 1000 windows" in render_ranking([row("a", 0.2, by_symbol=symbols)])


def test_runs_that_all_stand_alone_are_not_compared():
    text = render_ranking([row("a", 0.2), row("b", 0.1, target="volatility")])
    assert text.splitlines()[-1] == "2 runs scored: nothing to compare"


def test_long_choices_are_folded_and_not_cut():
    name = "model=gradient_boosting indicator=minimal,core model.estimator.max_iter=1000 horizon=24 seed=12345"
    text = render_ranking([row(name, 0.2), row("b", 0.1)])
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert all(word in text for word in ("gradient_boosting", "indicator=minimal,core", "seed=12345"))


@pytest.mark.parametrize(("count", "said"), [(0, "0 runs scored: nothing"), (1, "1 run scored: nothing")])
def test_a_single_run_is_not_called_the_best(count, said):
    assert render_ranking([row("a", 0.2)] * count).splitlines()[-1].startswith(said)


def test_a_panel_shows_the_objective_of_every_symbol():
    row = SCORES["by_symbol"]["SP500"]
    panel = {**SCORES, "by_symbol": {"EURUSD": row, "GBPUSD": {**row, "model": None}}}
    *_, heads, first, second = render(panel, "ridge").splitlines()
    assert heads.split() == ["symbol", "ridge", "last", "value", "naive", "walk"]
    assert first.split() == ["EURUSD", "0.008124", "0.011700", "0.012300", "0.008100"]
    assert second.split()[:2] == ["GBPUSD", "–"]


def sliced(**values):
    """Scores with one way to cut; each slice by its skill and the ends of its interval."""
    cells = {
        name: dict(zip(("value", "low", "high"), each, strict=True), windows=9, model=1, random_walk=1)
        for name, each in values.items()
    }
    return {**SCORES, "slices": {"weekday": cells}}


def test_best_and_worst_slice_are_named_where_their_interval_excludes_zero():
    both = sliced(Mon=(0.03, 0.01, 0.05), Tue=(0.02, 0.015, 0.025), Wed=(-0.04, -0.06, -0.02), Thu=(0.5, None, None))
    wanted = "of 4 slices, judged together, against random_walk: best by weekday Mon +3.0 % [+1.0, +5.0],"
    assert wanted in render(both, "ridge")
    assert "worst by weekday Wed -4.0 % [-6.0, -2.0]" in " ".join(render(both, "ridge").split())
    assert "worst" not in render(sliced(Mon=(0.03, 0.01, 0.05), Tue=(0.02, 0.015, 0.025)), "ridge")


def test_slices_that_could_be_luck_are_not_named():
    assert "slices" not in render(sliced(Mon=(0.3, -0.01, 0.5), Tue=(-0.2, -0.4, 0.1)), "ridge")


def test_several_folds_are_told_in_one_line() -> None:
    rows = [(0.0080, 0.0081), (0.0083, 0.0081), (0.0079, 0.0082), (None, 0.0081)]
    by_fold = [
        {"fold": number, "scores": {"model": model, "random_walk": walk}} for number, (model, walk) in enumerate(rows)
    ]
    told = render({**SCORES, "by_fold": by_fold}, "ridge").splitlines()[-1]
    assert told == "4 folds: crps from 0.007900 to 0.008300, better than random_walk in 2 of 3"
    paths = {"count": 3, "mean": {"model": 0.0081}, "sd": {"model": 0.0002}}
    text = " ".join(render({**SCORES, "by_fold": by_fold, "paths": paths}, "ridge").split())
    assert text.endswith("in 2 of 3; along 3 paths 0.008100, standard deviation 0.000200")
    assert "folds" not in render(SCORES, "ridge")


def test_folds_that_were_trained_on_later_bars_are_said_to_be() -> None:
    by_fold = [
        {"end": "2015-03-01T00:00:00Z", "train": {"end": end}, "scores": {"model": 0.008, "random_walk": 0.0081}}
        for end in ("2017-01-01T00:00:00.000000Z", "2014-01-01T00:00:00.000000Z")
    ]
    told = render({**SCORES, "by_fold": by_fold}, "ridge").splitlines()[-1]
    assert told == "1 of 2 folds were trained on later bars, too: nobody could have had them in time"
