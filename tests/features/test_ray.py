"""Features on a local Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY


@pytest.mark.slow
def test_several_symbols_on_a_local_ray_have_the_bits_of_one_worker(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "on_ray.py", "--bars", "2000", "--symbols", "3"],
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the bits are equal" in done.stdout
