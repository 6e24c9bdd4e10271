from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from scipy.stats import norm

from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.hmm import GaussianHmm, cut_blocks, improve
from forecastle.windows.transform.regime import HmmRegime
from forecastle.windows.transform.step import Rows, Training

Make = Callable[..., Training]
RowsOf = Callable[..., Rows]

MODEL = GaussianHmm(
    start=np.array([0.5, 0.3, 0.2]),
    transition=np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.25, 0.25, 0.5]]),
    mean=np.array([[0.0, 0.2], [1.0, -0.5], [-1.5, 0.0]]),
    variance=np.array([[0.3, 0.5], [1.0, 0.8], [2.0, 0.4]]),
)


def paths(model: GaussianHmm, values: np.ndarray, start: np.ndarray) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Every path of states, and its probability together with the values: by multiplying, with no recursion."""
    density = np.array(
        [
            [
                norm.pdf(row, mean, np.sqrt(variance)).prod()
                for mean, variance in zip(model.mean, model.variance, strict=True)
            ]
            for row in values
        ]
    )
    found = list(product(range(len(model.mean)), repeat=len(values)))
    weight = []
    for path in found:
        moves = [model.transition[one, two] for one, two in pairwise(path)]
        weight.append(start[path[0]] * np.prod(moves) * np.prod([density[t, state] for t, state in enumerate(path)]))
    return found, np.array(weight)


def filtered_by_paths(model: GaussianHmm, values: np.ndarray, memory: int) -> np.ndarray:
    """The last state's probability over all paths of the rows t - memory … t, for every t."""
    share = np.linalg.matrix_power(model.transition, 10_000)[0]
    result = []
    for t in range(len(values)):
        found, weight = paths(model, values[max(0, t - memory) : t + 1], share)
        last = np.array([path[-1] for path in found])
        result.append([weight[last == state].sum() / weight.sum() for state in range(len(model.mean))])
    return np.array(result)


@pytest.mark.parametrize("memory", [1, 3, 20])
def test_the_filter_equals_the_sum_over_all_paths_up_to_the_bar(memory: int) -> None:
    values = np.random.default_rng(0).normal(size=(7, 2))
    expected = filtered_by_paths(MODEL, values, memory)
    np.testing.assert_allclose(MODEL.filtered(values, memory), expected, rtol=1e-9)


def test_a_row_that_lacks_a_feature_says_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(6, 2))
    values[3, 1] = np.nan
    whole = MODEL.filtered(values, 10)
    np.testing.assert_allclose(whole[3], whole[2] @ MODEL.transition, rtol=1e-12)
    silent = GaussianHmm(MODEL.start, MODEL.transition, MODEL.mean * 0, MODEL.variance * 0 + 1)
    np.testing.assert_allclose(silent.filtered(values, 10), np.tile(silent.stationary(), (6, 1)), rtol=1e-12)


def test_one_round_of_fitting_equals_weighing_every_path() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(9, 2))
    pieces = [slice(0, 5), slice(5, 9)]
    index, there = cut_blocks(pieces, 4)
    blocks = [values[0:4], values[4:5], values[5:9]]
    assert [values[index[there[:, i], i]].tolist() for i in range(3)] == [each.tolist() for each in blocks]
    belongs, moves, start, likelihood = [], np.zeros((3, 3)), np.zeros(3), 0.0
    for block in blocks:
        found, weight = paths(MODEL, block, MODEL.start)
        likelihood += np.log(weight.sum())
        posterior = weight / weight.sum()
        belongs += [
            [sum(p for path, p in zip(found, posterior, strict=True) if path[t] == state) for state in range(3)]
            for t in range(len(block))
        ]
        for path, p in zip(found, posterior, strict=True):
            start[path[0]] += p / 3
            for one, two in pairwise(path):
                moves[one, two] += p
    weights = np.array(belongs)
    mean = np.array([np.average(values, axis=0, weights=each) for each in weights.T])
    variance = np.array(
        [np.average((values - m) ** 2, axis=0, weights=each) for m, each in zip(mean, weights.T, strict=True)]
    )

    fit = improve(MODEL, values, (index, there), iterations=1)
    np.testing.assert_allclose(fit.model.start, start, rtol=1e-9)
    np.testing.assert_allclose(fit.model.transition, moves / moves.sum(axis=1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(fit.model.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(fit.model.variance, variance, rtol=1e-9)
    assert fit.log_likelihood[0] > likelihood / len(values)


def planted(count: int = 3000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Returns whose size follows a hidden chain of two states, and the states."""
    random = np.random.default_rng(seed)
    state = np.zeros(count, int)
    for t in range(1, count):
        state[t] = state[t - 1] if random.random() < 0.97 else 1 - state[t - 1]
    size = np.where(state, 0.03, 0.005)
    return np.stack([size * random.normal(size=count), random.normal(size=count)], axis=1), state


def test_the_likelihood_never_falls_and_planted_regimes_are_found(training_of: Make) -> None:
    values, state = planted()
    training = training_of(values, ("log_return", "noise"))
    step = HmmRegime(states=2).fit(training)
    result = step.apply(training.rows)
    assert result.columns == ("log_return", "noise", "regime_1", "regime_2")
    np.testing.assert_array_equal(result.values[:, :2], training.rows.values)
    np.testing.assert_allclose(result.values[:, 2:].sum(axis=1), 1, atol=1e-6)
    assert np.mean((result.values[:, 3] > 0.5) == state) > 0.9
    report = step.report()
    assert report["converged"]
    assert report["regimes"]["regime_2"]["share"] == pytest.approx(state.mean(), abs=0.04)
    assert report["regimes"]["regime_1"]["stay_bars"] == pytest.approx(1 / 0.03, rel=0.25)

    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    begin = GaussianHmm(np.full(3, 1 / 3), MODEL.transition, MODEL.mean, MODEL.variance)
    gains = np.diff(improve(begin, scaled, cut_blocks([slice(0, 3000)], 101), 40, tolerance=-1.0).log_likelihood)
    assert len(gains) == 39
    assert gains.min() > -1e-12


def test_regimes_of_direction_are_found_as_well(training_of: Make) -> None:
    _, state = planted()
    values = np.random.default_rng(4).normal(np.where(state, 2.0, -2.0))[:, None]
    training = training_of(values)
    result = HmmRegime(states=2).fit(training).apply(training.rows).values
    agreement = np.mean((result[:, 2] > 0.5) == state)
    assert max(agreement, 1 - agreement) > 0.98


def test_a_filter_and_not_a_smoother(training_of: Make, rows_of: RowsOf) -> None:
    """The bar before a burst does not know of it; that is where a smoother would leak."""
    values, _ = planted()
    step = HmmRegime(states=2).fit(training_of(values))
    calm = np.random.default_rng(5).normal(size=(300, 2)) * (0.005, 1)
    burst = calm.copy()
    burst[200:, 0] *= 20
    before, after = (step.apply(rows_of(each)).values for each in (calm, burst))
    assert before[:200].tobytes() == after[:200].tobytes()
    assert after[199, 3] < 0.2
    assert after[205:, 3].min() > 0.6


def test_nothing_is_carried_from_one_symbol_to_the_next(training_of: Make, rows_of: RowsOf) -> None:
    values, _ = planted()
    step = HmmRegime(states=2).fit(training_of(values))
    together = step.apply(rows_of(values[:400], starts=(0, 250))).values
    apart = [step.apply(rows_of(each)).values for each in (values[:250], values[250:400])]
    assert together.tobytes() == np.concatenate(apart).tobytes()


def test_it_reads_the_named_features_only(training_of: Make, rows_of: RowsOf) -> None:
    values, _ = planted()
    names = ("log_return_1", "noise")
    step = HmmRegime(states=2, columns=["log_*"]).fit(training_of(values, names))
    changed = values[:200].copy()
    changed[:, 1] = np.nan
    expected = step.apply(rows_of(values[:200], names)).values[:, 2:]
    np.testing.assert_array_equal(step.apply(rows_of(changed, names)).values[:, 2:], expected)
    with pytest.raises(FeatureError, match=r"reads 'log_retrun_1', which is none .* did you mean 'log_return_1'\?"):
        HmmRegime(columns=["log_retrun_1"]).fit(training_of(values, names))


def test_a_row_that_lacks_what_is_read_lacks_its_regime(training_of: Make, rows_of: RowsOf) -> None:
    values, _ = planted()
    step = HmmRegime(states=2).fit(training_of(values))
    holed = values[:50].copy()
    holed[:10] = np.nan
    holed[30, 0] = np.nan
    missing = np.isnan(step.apply(rows_of(holed)).values[:, 2:]).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(missing), [*range(10), 30])


def test_arguments_that_cannot_be_are_refused(training_of: Make) -> None:
    for arguments, told in (
        ({"states": 1}, "states must be at least 2, got 1"),
        ({"memory": 0}, "memory must be at least 1, got 0"),
        ({"iterations": 0}, "iterations must be at least 1, got 0"),
        ({"columns": []}, "columns must name at least one feature"),
    ):
        with pytest.raises(ConfigError, match=told):
            HmmRegime(**arguments)
    with pytest.raises(FeatureError, match="3 regimes want at least 60 training rows, got 50"):
        HmmRegime().fit(training_of(np.ones((50, 1))))
