"""A claim is held by one process at a time and ends with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from forecastle.runs.claim import claim

HOLD = """
import sys
from pathlib import Path
from forecastle.runs.claim import claim
with claim(Path(sys.argv[1]), "abc", wait=False) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def holding(store: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_another_process_is_told_at_once_or_waits(tmp_path: Path) -> None:
    process = holding(tmp_path)
    with claim(tmp_path, "abc", wait=False) as mine:
        assert not mine
    with claim(tmp_path, "other", wait=False) as mine:
        assert mine
    got = threading.Event()

    def wait() -> None:
        with claim(tmp_path, "abc", wait=True) as mine:
            assert mine
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not got.wait(0.2)
    process.communicate("", timeout=20)
    waiting.join(20)
    assert got.is_set()
    assert not (tmp_path / ".claims").exists()


def test_a_claim_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    process = holding(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    with claim(tmp_path, "abc", wait=False) as mine:
        assert mine
