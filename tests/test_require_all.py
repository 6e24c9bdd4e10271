from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT_CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"
SKIPS = {
    "marked": "import pytest\n@pytest.mark.skip(reason='marked so')\ndef test_a(): pass\n",
    "while it runs": "import pytest\ndef test_a(): pytest.skip('no candles')\n",
    "in a fixture": "import pytest\n@pytest.fixture\ndef b(): pytest.skip('no b')\ndef test_a(b): pass\n",
    "whole module": "import pytest\npytest.importorskip('not_installed_anywhere')\ndef test_a(): pass\n",
}
XFAIL = "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n"


def run_pytest(folder: Path, source: str, require_all: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT_CONFTEST, folder / "conftest.py")
    (folder / "test_it.py").write_text(source)
    environment = os.environ | {"FORECASTLE_REQUIRE_ALL": require_all, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_where_all_is_required(tmp_path: Path, source: str) -> None:
    done = run_pytest(tmp_path, source, "1")
    assert done.returncode in (1, 2), done.stdout
    assert "may not be skipped, since FORECASTLE_REQUIRE_ALL=1" in done.stdout


def test_a_skip_stays_a_skip_elsewhere(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SKIPS["marked"], "")
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, XFAIL, "1").returncode == 0
