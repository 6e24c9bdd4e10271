"""The search space: Hydra's grammar in, distributions of Optuna out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from forecastle.config.compose import conf_folder
from forecastle.errors import ConfigError
from forecastle.search.space import read

optuna = pytest.importorskip("optuna")
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402


@pytest.fixture
def loader() -> Iterator[Any]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("a,b", CategoricalDistribution(("a", "b"))),
        ("null,[1,2],'x y',.5", CategoricalDistribution(("null", "[1,2]", "'x y'", "0.5"))),
        ("interval(0,1)", FloatDistribution(0.0, 1.0)),
        ("tag(log,interval(0.01,100))", FloatDistribution(0.01, 100.0, log=True)),
        ("int(interval(1,100))", IntDistribution(1, 100)),
        ("tag(log,int(interval(1,100)))", IntDistribution(1, 100, log=True)),
        ("range(1,10)", IntDistribution(1, 9)),
        ("range(1,10,4)", IntDistribution(1, 9, step=4)),
        ("range(10,1,-4)", IntDistribution(2, 10, step=4)),
        ("range(0,1,0.25)", FloatDistribution(0.0, 0.75, step=0.25)),
        ("range(0.1,1,0.1)", FloatDistribution(0.1, 0.9, step=0.1)),
        ("tag(log,range(1,10))", IntDistribution(1, 9, log=True)),
    ],
)
def test_each_range_of_the_grammar_becomes_a_distribution(loader: Any, text: str, distribution: Any) -> None:
    space, fixed = read({}, ["horizon=3", f"season={text}"], loader)
    assert list(space) == ["season"]
    assert space["season"].distribution() == distribution
    assert fixed == ["horizon=3"]
    assert read({"season": text}, [], loader)[0] == space, "the section says the same as the command line"


@pytest.mark.parametrize("text", ["range(0.1,2,0.1)", "range(3,40,7)", "range(1,0,-0.3)", "a,null,'x,y'"])
def test_a_value_is_told_to_hydra_as_hydra_itself_would_write_it(loader: Any, text: str) -> None:
    (each,) = read({}, [f"season={text}"], loader)[0].values()
    parsed = OverridesParser.create().parse_override(f"season={text}")
    wanted = set(parsed.sweep_string_iterator())
    sampled = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    got = {each.word(sampled.ask({"season": each.distribution()}).params["season"]) for _ in range(300)}
    assert got == wanted == set(map(each.word, each.samples or ()))


@pytest.mark.parametrize(
    ("text", "value", "word"),
    [
        ("interval(0,1)", 0.1 + 0.2, "0.3"),
        ("interval(0,1)", 1.23456789e-3, "0.001235"),
        ("interval(0,0.001)", 1.23456789e-4, "0.000123457"),
        ("interval(1000,1001)", 1000.123456789, "1000.123457"),
        ("interval(0,123456)", 1234.56789, "1234.6"),
        ("interval(0,0.12345678)", 0.12345678, "0.12345678"),
        ("interval(-1,1)", -0.123456789, "-0.123457"),
        ("tag(log,interval(1e-9,1))", 1.23456789e-5, "1.23457e-05"),
        ("tag(log,interval(1,1.001))", 1.000123456789, "1.000123457"),
        ("interval(0.12345674,0.5)", 0.12345674, "0.12345674"),
        ("int(interval(1,9))", 4, "4"),
    ],
)
def test_a_real_number_is_told_to_a_millionth_of_its_range_and_stays_inside(
    loader: Any, text: str, value: float, word: str
) -> None:
    (each,) = read({}, [f"season={text}"], loader)[0].values()
    assert each.word(value) == word
    assert OverridesParser.create().parse_override(f"season={word}").value() == float(word)


def test_the_command_line_goes_before_the_section(loader: Any) -> None:
    section = {"season": "range(1,9)", "horizon": "range(1,9)", "policy.size": "interval(0,1)"}
    space, fixed = read(section, ["season=range(2,4)", "horizon=5"], loader)
    assert {name: each.text for name, each in space.items()} == {"season": "range(2,4)", "policy.size": "interval(0,1)"}
    assert space["policy.size"].key == "++policy.size", "a key that the default configuration does not hold"
    assert fixed == ["horizon=5"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("horizon=5", "nothing to search: a range is wanted"),
        ("model=interval(0,1)", r"model=interval\(0,1\): model is a choice of files, which has no numbers"),
        ("model=range(0,3)", "model is a choice of files"),
        ("season=interval(3,1)", "the ends must ascend"),
        ("season=interval(1,inf)", r"season=interval\(1,inf\): both ends must be finite numbers"),
        ("season=tag(log,interval(0,1))", "must ascend and lie above 0 under log"),
        ("season=range(3,3)", "is empty"),
        ("season=range(3,5,0)", "the step must not be 0"),
        ("season=range(0,1000000000)", "holds more than 1000000 numbers"),
        ("season=tag(log,range(1,9,2))", "the tag log is for an interval"),
        ("season=tag(log,choice(1,2))", "the tag log is for numbers"),
        ("season=tag(lgo,interval(1,2))", "the tag log is known, got lgo"),
        ("season=shuffle(range(1,5))", "shuffle cannot be"),
        ("model=glob(zz*)", "holds nothing to choose from"),
    ],
)
def test_what_cannot_be_searched_is_refused(loader: Any, word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read({}, [word], loader)


@pytest.mark.parametrize("value", [3, [1, 2], "3", "abc"])
def test_the_section_holds_ranges_only(loader: Any, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"search: season.*choice\(…\), range\(…\) or interval\(…\) is wanted"):
        read({"season": value}, [], loader)
