"""The lazy law: a run of ridge imports nothing that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

OPTIONAL = ("torch", "lightning", "pytorch_lightning", "torchmetrics", "wandb", "dvc", "matplotlib", "shap", "arch")

SCRIPT = """\
import json, sys
from forecastle.__main__ import main
code = main({words})
print(json.dumps([code, sorted(sys.modules)]))
"""


def modules(workplace: Path, *words: str) -> set[str]:
    """Names of the modules that are loaded when a command has ended well."""
    script = SCRIPT.format(words=list(words))
    done = subprocess.run([sys.executable, "-c", script], cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, names = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


@pytest.mark.parametrize("words", [["run", "model=ridge", "indicator=minimal"], ["runs"]])
def test_no_optional_package_is_imported(workplace: Path, words: list[str]) -> None:
    installed = [name for name in OPTIONAL if find_spec(name)]
    assert {"torch", "pytorch_lightning", "wandb", "dvc", "arch"} <= set(installed), "else nothing is proved"
    loaded = modules(workplace, *words)
    assert [name for name in OPTIONAL if name in loaded] == []
    assert "forecastle.commands" in loaded


def test_listing_runs_imports_no_library_that_computes(workplace: Path) -> None:
    loaded = modules(workplace, "runs")
    assert [name for name in ("numpy", "pandas", "sklearn", "hydra", "pyarrow") if name in loaded] == []


def test_importing_forecastle_imports_nothing_of_it(workplace: Path) -> None:
    script = "import sys, forecastle; print([name for name in sys.modules if name.startswith('forecastle.')])"
    done = subprocess.run([sys.executable, "-c", script], cwd=workplace, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
