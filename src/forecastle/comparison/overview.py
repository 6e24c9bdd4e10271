"""The page of a comparison, gathered from its groups and written."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from forecastle import paths
from forecastle.comparison.group import Group
from forecastle.comparison.questions import PART
from forecastle.errors import ConfigError, ForecastleError
from forecastle.report.comparison import MOST_QUESTIONS, Asked, render
from forecastle.report.page import write_page, write_report
from forecastle.report.rivals import MOST_RIVALS
from forecastle.runs.selection import sweep_of
from forecastle.runs.store import Run, RunStore

logger = logging.getLogger(__name__)


def write_overview(groups: Sequence[Group], store: RunStore, words: Sequence[str], path: Path | None = None) -> Path:
    """Write the page and return its path, with links to the runs' own pages; those of the best are written if need be.

    Parameters
    ----------
    groups
        What is shown.
    store
        Where the runs lie.
    words
        Which runs were meant.
    path
        Where the page goes; None: to the sweep that is meant, or beside the runs.

    Raises
    ------
    ForecastleError
        If there is a folder in its place, or a run's folder is damaged.
    """
    path = _usual(store, words) if path is None else path
    if path.is_dir():
        raise ConfigError(f"--html: a file is wanted, got the folder {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    links: dict[str, str] = {}
    asked = []
    for group in groups[:MOST_QUESTIONS]:
        folders = {run: store.folder / run for run in group.settings}
        for place in group.contest.places[:MOST_RIVALS]:
            _ensure_report(folders[place.run])
        pages = {run: folder / paths.REPORT for run, folder in folders.items() if (folder / paths.REPORT).is_file()}
        links |= {run: quote(Path(os.path.relpath(page, path.parent)).as_posix()) for run, page in pages.items()}
        best = Run(group.contest.places[0].run, folders[group.contest.places[0].run])
        scores = best.metrics[PART]
        asked.append(
            Asked(
                group.question,
                group.apart,
                group.ranked_by,
                PART,
                group.judged(scores),
                group.contest,
                group.notes(),
                group.settings,
                folders,
            )
        )
    rest = [len(group.contest.places) for group in groups[MOST_QUESTIONS:]]
    write_page(path, render(asked, links, _facts(groups, words), rest))
    return path


def _ensure_report(folder: Path) -> None:
    """Write a run's page where it is missing, and can be written."""
    if not (folder / paths.REPORT).is_file():
        try:
            write_report(folder)
        except (ForecastleError, OSError) as error:  # a comparison wants no more of a run than it can have
            logger.warning("run %s gets no page: %s", folder.name, error)


def _usual(store: RunStore, words: Sequence[str]) -> Path:
    """Where the page goes if nothing is said."""
    ids = [word for word in words if "=" not in word]
    record = sweep_of(store.folder, ids[0]) if len(ids) == 1 else None
    return (store.folder if record is None else record.folder) / paths.COMPARISON


def _facts(groups: Sequence[Group], words: Sequence[str]) -> list[tuple[str, str]]:
    """What stands at the top."""
    return [
        ("command", " ".join(["forecastle compare", *words])),
        ("runs", str(sum(len(group.settings) for group in groups))),
        ("questions", str(len(groups))),
        ("trials on record", str(sum(group.tried.count for group in groups))),
    ]
