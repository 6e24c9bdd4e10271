"""Every search space that is shipped can be searched: each end of each range is composed and checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from tests.conftest import REPOSITORY

from forecastle.config.compose import ROOT, conf_folder
from forecastle.config.values import ValueLoader
from forecastle.search.rehearsal import rehearse
from forecastle.search.space import read

FILES = sorted((*REPOSITORY.glob("conf/search/*.yaml"), *REPOSITORY.glob("conf/experiment/*.yaml")))


@pytest.fixture
def loader() -> Iterator[Any]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_each_search_space_can_be_searched(loader: Any, path: Any) -> None:
    """A space is called as its model is, and an experiment chooses the model of its space itself."""
    group, name = path.parent.name, path.stem
    words = [f"{group}={name}", *([f"model={name}"] if group == "search" else [])]
    master = loader.load_configuration(ROOT, [*words, "data=synthetic"], run_mode=RunMode.MULTIRUN)
    if not master.search:
        assert group == "experiment"
        return
    quick = ValueLoader(loader)
    space, fixed = read(dict(master.search), [*words, "data=synthetic"], quick)
    assert rehearse(space, fixed, quick, master)
    assert path.read_text(encoding="utf-8").startswith("# ")
