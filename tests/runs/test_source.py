"""Source: every file of the user's project that a module reaches, and none that it does not."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

from forecastle.errors import RunError
from forecastle.runs.source import _imports, reach

FILES = {
    "own_target.py": "import own_beside\n\n\ndef later():\n    from own_pack.deep import part\n    return part\n",
    "own_beside.py": "try: import own_pack.late as other\nexcept ImportError: pass\nimport numpy, json\n",
    "own_pack/__init__.py": "from own_pack.start import value\n",
    "own_pack/start.py": "value = 1\n",
    "own_pack/late.py": "from .. import nothing\n",
    "own_pack/deep/__init__.py": "",
    "own_pack/deep/part.py": "from ..\\\n    shallow import *; from . import (  # (a note)\n    sibling)\n",
    "own_pack/deep/sibling.py": "import importlib\nimportlib.import_module('own_in_src')\n",
    "own_pack/shallow.py": "import own_target\n",
    "src/own_in_src.py": "from forecastle.features.returns import LogReturn\n",
    "own_unused.py": "",
    "own_pack/unused.py": "",
}
UNREACHED = ["own_pack.unused", "own_unused"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_pack" / "late.py").write_text("")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def module_of(name: str) -> str:
    return name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_every_file_that_is_reached_is_found_and_no_other(project: Path) -> None:
    found = reach(["own_target"], ours=False)
    assert [name for name, _ in found.files] == sorted({*map(module_of, FILES)} - {*UNREACHED})
    assert {"numpy", "json"} <= {*found.packages}


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_digest_changes_with_each_file_that_is_reached(project: Path, name: str) -> None:
    before = reach(["own_target"], ours=False).digest
    path = project / name
    path.write_text(path.read_text() + "# changed\n")
    changed = reach(["own_target"], ours=False).digest != before
    assert changed == (module_of(name) not in UNREACHED)


def test_our_own_modules_are_followed_only_where_they_are_wanted(project: Path) -> None:
    plain, whole = (reach(["own_target"], ours=ours).files for ours in (False, True))
    added = {name for name, _ in whole} - {name for name, _ in plain}
    assert "forecastle.features.returns" in added
    assert all(name.startswith("forecastle.") for name in added)


def test_an_installed_package_is_not_followed_into() -> None:
    found = reach(["yaml.loader"])
    assert [name for name, _ in found.files] == ["yaml.loader"]
    assert "yaml" in found.packages


@pytest.mark.parametrize("name", ["builtins", "no_such_module_of_mine"])
def test_a_module_without_source_is_told(name: str) -> None:
    with pytest.raises(RunError, match=f"the source of the module '{name}' cannot be found"):
        reach([name])


def parsed(text: str, package: str) -> Iterator[tuple[str, str]]:
    """The imports that Python's own parser finds."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            yield from ((".".join(filter(None, (above, node.module))), each.name) for each in node.names)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_no_import_of_our_source_or_of_the_standard_library_is_overlooked() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    paths = [*(REPOSITORY / "src").rglob("*.py"), *sorted(library.glob("*.py"))[:80]]
    for path in paths:
        text = path.read_text(errors="replace")
        assert {*parsed(text, "a.b.c")} <= {*_imports(text, "a.b.c")}, path
