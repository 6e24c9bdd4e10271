"""The ready search spaces: one for each model that has settings worth a search, and each can be searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from forecastle.config.compose import compose
from forecastle.search.range import Choice, Range
from forecastle.search.space import read

Command = Callable[..., Any]
CONF = Path(__file__).parents[2] / "conf"
SPACES = sorted(path.stem for path in (CONF / "experiment").glob("search_*.yaml"))
PLAIN = {"last_value", "random_walk", "seasonal_naive"}
"""Models without settings that are worth a search."""
SAMPLED = {"search_csdi", "search_diffusion", "search_flow_matching", "search_latent_diffusion", "search_sssd"}
"""Models of sample paths, which take long to draw."""
BRIEF = ["trainer=smoke", "model.num_samples=10", "context_length=16"]
"""What makes a network's trial short."""


def is_network(name: str) -> bool:
    """Whether a space is one of a network."""
    return "LightningForecaster" in (CONF / f"model/{name.removeprefix('search_')}.yaml").read_text()


class NoGroups:
    """Stands for Hydra's configuration loader where no range is one of files."""

    def get_group_options(self, *given: Any) -> list[str]:
        """None."""
        return []


def space(name: str) -> dict[str, Range]:
    section = yaml.safe_load((CONF / f"experiment/{name}.yaml").read_text())["search"]
    return read(section, [], NoGroups())[0]


def setting(node: Any, key: str) -> Any:
    for part in key.split("."):
        node = node[part]
    return node


def test_every_model_that_has_something_to_search_has_a_space() -> None:
    models = {path.stem for path in (CONF / "model").glob("*.yaml")}
    assert {name.removeprefix("search_") for name in SPACES} == models - PLAIN


@pytest.mark.parametrize("name", SPACES)
def test_a_space_holds_the_usual_settings_of_its_model(name: str) -> None:
    config = compose([f"experiment={name}"])
    assert config.name("model") == name.removeprefix("search_")
    assert config.experiment == name
    found = space(name)
    assert 2 <= len(found) <= 6
    for key, each in found.items():
        usual = setting({"model": config.model}, key)
        if isinstance(each, Choice):
            parser = OverridesParser.create()
            choices = [parser.parse_override(f"x={word}").value() for word in each.words]
            assert usual in choices, key
        else:
            low, high = (float(end) for end in (each.ends[0], each.ends[-1]))
            assert low < usual < high, key


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SAMPLED else []) for name in SPACES]
)
def test_a_space_can_be_searched(forecastle: Command, small: list[str], name: str) -> None:
    more = ["horizon=2", *(BRIEF if is_network(name) else [])]
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", f"experiment={name}"]
    done = forecastle("run", "-m", *search, *small, *more)
    assert done.code == 0, done.err
    assert "best: trial 1, run " in done.out
