"""How long `forecastle run model=ridge` takes, as a whole process, against the same work by hand.

Prints the wall seconds of both, run in turn, and their ratio pair by pair. Wanted: at most 1.7.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import machine, spread


def seconds(command: list[str]) -> float:
    """Wall time of a command that must succeed; bytecode may be kept, as an installation keeps it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=9, help="pairs of runs (default 9)")
    pairs = parser.parse_args().n
    bare = [sys.executable, str(Path(__file__).with_name("bare_ridge.py"))]
    with tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "-m", "forecastle", "run", "model=ridge", "force=true", f"output={folder}"]
        seconds(bare), seconds(ours)
        timed = [(seconds(ours), seconds(bare)) for _ in range(pairs)]
    print(machine())
    print(f"forecastle run model=ridge force=true  {spread([one for one, _ in timed])} s")
    print(f"the same work by hand                  {spread([other for _, other in timed])} s")
    print(f"ratio (wanted: at most 1.7)            {spread([one / other for one, other in timed])}")


if __name__ == "__main__":
    main()
