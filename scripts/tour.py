#!/usr/bin/env python3
"""Make the output in README.md real: run its commands on the last commit and write what they print.

They are run in a temporary folder. A comment ``<!-- tour first=9 last=3`` holds commands, one a line; the block after
it is replaced by each command with what it printed: all of it, or the first and last lines with ``…`` between. Lines
with ``>>>`` are one session of Python, ``{1}`` is the run that the newest sweep ranked first. The table of choices is
written from conf/, and docs/report.png is the top of the first run's report, where playwright and chromium are there.

    .venv/bin/python scripts/tour.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(r"<!-- tour(?P<cut>(?: \w+=\d+)*)\n(?P<commands>.*?)\n-->\n```\w+\n.*?```\n", re.DOTALL)
GROUP = re.compile(r"^\| `(\w+)` \| ([^|]*) \|[^|]*\|$", re.MULTILINE)
"""A row of the table of groups, the only one with three columns."""
MANY = ("indicator", "metric")
"""Groups that have sets."""

SESSION = """
import code, sys
console = code.InteractiveConsole()
for line in sys.argv[1:]:
    print(">>>", line)
    console.push(line)
"""
WIDTH = 1120
"""Pixels of the picture's width: the table of scores is cut between two columns."""


class Tour:
    """A clone of the last commit, in which commands are run."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "forecastle"
        self.ranked: list[str] = []
        shell(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(self.place)], ROOT, dict(os.environ))
        ours = ("FORECASTLE_", "HYDRA_", "WANDB_", "DVC_", "PYTHON")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.place / "src"),  # the clone's, before the checkout that is installed
            "PYTHONUNBUFFERED": "1",
            "DVC_SITE_CACHE_DIR": str(folder / "dvc"),
            "COLUMNS": "100",
            **{f"GIT_{who}_{what}": "tour" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def step(self, found: re.Match[str]) -> str:
        """The block of one step, with what its commands print today."""
        lines = []
        commands = found["commands"].splitlines()
        for command in ["\n".join(commands)] if commands[0].startswith(">>>") else commands:
            lines += self.told(re.sub(r"\{(\d)\}", lambda rank: self.ranked[int(rank[1]) - 1], command), found["cut"])
        return f"<!-- tour{found['cut']}\n{found['commands']}\n-->\n```console\n" + "\n".join(lines) + "\n```\n"

    def told(self, command: str, cut: str) -> list[str]:
        """A command and what it printed, cut by whole lines."""
        start = time.perf_counter()
        session = [line.removeprefix(">>> ") for line in command.splitlines()] if command.startswith(">>>") else None
        words = [sys.executable, "-c", SESSION, *session] if session else ["bash", "-c", command]
        text = shell(words, self.place, self.environment, may_fail=True)
        if ranking := re.findall(r"^\d+  (?:.*?  )?([0-9a-f]{16}) ", text, re.MULTILINE):
            self.ranked = ranking
        lines = [line.rstrip() for line in text.replace("\N{NO-BREAK SPACE}", " ").strip("\n").splitlines()]
        sizes = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", cut)}
        if sizes:
            first, last = sizes.get("first", 0), sizes.get("last", 0)
            if len(lines) > first + last + 1:
                lines = [*lines[:first], "…", *lines[len(lines) - last :]]
        say(f"{time.perf_counter() - start:5.1f} s  {command.splitlines()[-1]}")
        return lines if session else [f"$ {command}", *lines]

    def groups(self) -> set[str]:
        """Groups of conf/ that a user chooses from."""
        return {path.parent.name for path in (self.place / "conf").glob("*/*.yaml")}

    def choices(self, found: re.Match[str]) -> str:
        """One row of the table of groups, with what is in conf/; files with several members are bold."""
        group, feeds = found.groups()
        told = []
        for path in sorted((self.place / "conf" / group).glob("*.yaml")):
            keys = re.findall(r"^(\w+):", path.read_text(encoding="utf-8"), re.MULTILINE)
            several = group in MANY and keys not in ([], [path.stem])
            told.append(f"**`{path.stem}`**" if several else f"`{path.stem}`")
        return f"| `{group}` | {feeds} | {', '.join(told)} |"

    def picture(self) -> None:
        """The top of the oldest run's report, as docs/report.png."""
        chromium = shutil.which("chromium")
        try:
            from playwright.sync_api import sync_playwright
        except ImportError:
            chromium = None
        if chromium is None:
            say("docs/report.png is left as it is: playwright or chromium is absent")
            return
        report = min(self.place.glob("runs/*/report.html"), key=lambda path: path.stat().st_mtime)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme="light")
            page.goto(report.as_uri(), wait_until="load")
            table = page.locator("table").first.bounding_box() or {"y": 0, "height": 1000}
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": table["y"] + table["height"] + 12}
            page.screenshot(path=ROOT / "docs" / "report.png", clip=clip)
            browser.close()


def shell(words: list[str], folder: Path, environment: dict[str, str], *, may_fail: bool = False) -> str:
    """What a command prints on both streams, in the order in which it does."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode and not may_fail:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}")
    return done.stdout


def say(line: str) -> None:
    """Tell people what is going on."""
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Rewrite README.md."""
    if shell(["git", "status", "--porcelain", "--untracked-files=no", "src", "conf"], ROOT, dict(os.environ)):
        say("src/ or conf/ differ from the last commit: the tour shows the commit")
    readme = ROOT / "README.md"
    with tempfile.TemporaryDirectory(prefix="forecastle-") as folder:
        tour = Tour(Path(folder))
        text = readme.read_text(encoding="utf-8")
        if missing := tour.groups() - {group for group, _ in GROUP.findall(text)}:
            raise SystemExit(f"the table of groups in README.md lacks {', '.join(sorted(missing))}")
        text = STEP.sub(tour.step, GROUP.sub(tour.choices, text))
        tour.picture()
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
