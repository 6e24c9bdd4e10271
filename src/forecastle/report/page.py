"""The page of a run: everything that its folder tells, in one HTML file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecastle import paths
from forecastle.report.coverage import coverage_figure, coverage_table
from forecastle.report.diagnosis import calibration_figures
from forecastle.report.fan import bands_of, fan_figure
from forecastle.report.figure import Figure, cumulated_figures, curve_figures, forest_figure, skill_figures
from forecastle.report.folder import RunFolder, read_folder
from forecastle.report.folds import folds_figures, folds_table
from forecastle.report.forecasts import Forecasts
from forecastle.report.importance import importance_figures
from forecastle.report.nested import flatten, text
from forecastle.report.slices import slice_figures
from forecastle.report.table import Table, scores_table, steps_table, symbols_table
from forecastle.report.verdict import judge
from forecastle.report.words import NOTHING, duration, moment, spoken

if TYPE_CHECKING:
    from jinja2 import Template

    from forecastle.report.trading import Trading

MOST_FANS = 4
"""Symbols whose forecasts are drawn."""


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run's folder, from the files that lie there, and return its path.

    The page is one file without scripts, fonts or pictures from elsewhere; every text of config and data is escaped.
    The same folder gives the same bytes. Parts that a run lacks (a test part that was not opened, learning curves) are
    left out or named as missing.

    Parameters
    ----------
    folder
        Of a run; it must hold ``metrics.json`` and ``manifest.json``.

    Raises
    ------
    RunError
        If a file is missing or cannot be read.
    """
    page = render(read_folder(folder))
    path = folder / paths.REPORT
    write_page(path, page)
    return path


def write_page(path: Path, page: str) -> None:
    """Write a page whole, in place of an older one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def render(run: RunFolder) -> str:
    """Return the page as text."""
    return template("page.html.jinja").render(_context(run))


@cache
def template(name: str) -> Template:
    """A template of this folder; every text that it is given is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("forecastle.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _context(run: RunFolder) -> dict[str, Any]:
    manifest, scores = run.manifest, run.scores
    name = str(manifest.get("name", "model"))
    skill = scores.get("skill") or {}
    forecasts = run.forecasts
    direction, unit = str(scores.get("direction", "none")), str(scores.get("unit", ""))
    features, folds = manifest.get("features") or {}, list(manifest.get("folds") or ())
    return {
        "name": name,
        "manifest": manifest,
        "part": run.part,
        "facts": _facts(run),
        "verdict": judge(name, run.part, scores),
        "forest": forest_figure(skill),
        "score_tables": [
            (part, scores_table(part, run.metrics[part], name) if run.metrics.get(part) else None)
            for part in ("test", "validation")
        ],
        "symbols_table": symbols_table(scores, name),
        "fans": _fans(run, forecasts) if forecasts else [],
        "symbol_count": len(set(forecasts.symbol.tolist())) if forecasts else 0,
        "skill": skill_figures(skill, scores.get("steps", ())),
        "steps_table": steps_table(scores, name),
        "slices": slice_figures(scores.get("slices") or {}),
        "calibration": _calibration(forecasts) if forecasts else [],
        "classes": bool(forecasts and forecasts.classes),
        "coverage_table": coverage_table(forecasts, bands_of(forecasts.levels), scores) if forecasts else None,
        "cumulated": cumulated_figures(forecasts, direction, unit) if forecasts else [],
        "trading": _trading(run),
        "importance": importance_figures(run.importance),
        "importance_note": _importance_note(run.importance),
        "folds_table": folds_table(folds, scores, run.part, name),
        "folds_figures": folds_figures(scores),
        "curves": curve_figures(run.curves),
        "quality": flatten(run.quality, "Candles") if run.quality else [],
        "columns": [str(column) for column in features.get("columns") or ()],
        "warmup": features.get("warmup"),
        "left_out": dict(features.get("left_out") or {}),
        "transform": flatten(folds[-1]["transform"], "Transforms") if folds and folds[-1].get("transform") else [],
        "split_table": _split_table(folds),
        "looks": _sentence(str((manifest.get("looks") or {}).get("text", ""))),
        "config": run.config,
        "manifest_tables": _manifest_tables(manifest),
    }


def _trading(run: RunFolder) -> Trading | None:
    """The section of trading, which most runs do without."""
    if not run.scores.get("trading"):
        return None
    from forecastle.report.trading import trading_section

    return trading_section(run.scores["trading"], run.part, run.equity)


def _facts(run: RunFolder) -> list[tuple[str, str]]:
    manifest, scores = run.manifest, run.scores
    symbols = [str(symbol) for symbol in manifest.get("symbols") or ()]
    shown = ", ".join(symbols[:6]) + (f" and {len(symbols) - 6} more" if len(symbols) > 6 else "")
    bars = f"bars of {duration(str(manifest['interval']))}" if manifest.get("interval") else ""
    target = manifest.get("target") or {}
    horizon = scores.get("horizon", NOTHING)
    return [
        ("Data", ", ".join(filter(None, [str(manifest.get("data", "")), shown, bars])) or NOTHING),
        ("Target", f"{spoken(str(target.get('name', NOTHING)))}, {horizon} {'bar' if horizon == 1 else 'bars'} ahead"),
        ("Judged on", f"{run.part}, {moment(scores.get('start'))} to {moment(scores.get('end'))}"),
        ("Windows", f"{scores.get('windows', NOTHING)} at {scores.get('origins', NOTHING)} origins"),
        ("Made", moment(manifest.get("created"))),
        ("Run", str(manifest.get("id", NOTHING))),
    ]


def _fans(run: RunFolder, forecasts: Forecasts) -> list[Figure]:
    target = run.manifest.get("target") or {}
    known = set(forecasts.symbol.tolist())
    ordered = [str(symbol) for symbol in run.manifest.get("symbols") or () if symbol in known]
    ordered += sorted(known.difference(ordered))
    name, unit = str(target.get("name", "")), str(target.get("unit", ""))
    interval = str(run.manifest.get("interval", ""))
    return [fan_figure(forecasts.of(symbol), symbol, name, unit, interval) for symbol in ordered[:MOST_FANS]]


def _calibration(forecasts: Forecasts) -> list[Figure]:
    by_step = coverage_figure(forecasts, bands_of(forecasts.levels))
    return [*calibration_figures(forecasts), *([by_step] if by_step else [])]


def _importance_note(importance: dict[str, Any]) -> str:
    """How it was measured, and why a part is missing."""
    if not importance:
        return ""
    told = (
        f"Measured {moment(importance.get('created'))} on {importance.get('windows')} windows of the validation part, "
        f"each feature permuted {importance.get('repeats')} times in blocks of {importance.get('block')} origins."
    )
    shap = importance.get("shap") or {}
    if "missing" in shap:
        return f"{told} {_sentence(str(shap['missing']))}"
    ways = {"trees": "exact, of trees", "linear": "exact, of linear models", "kernel": "from a kernel"}
    return f"{told} Shapley values of {shap.get('windows')} windows, {ways.get(str(shap.get('method')), '')}."


def _split_table(folds: Sequence[dict[str, Any]]) -> Table | None:
    if len(folds) != 1:
        return None
    (split,) = folds
    parts = [part for part in ("train", "validation", "test") if split.get(part)]
    if not parts:
        return None
    rows = [
        [part, text(split[part].get("windows")), moment(split[part].get("start")), moment(split[part].get("end"))]
        for part in parts
    ]
    note = (
        f"{split['purged']} windows were left out because their label reaches over a boundary."
        if "purged" in split
        else ""
    )
    return Table("Parts, by origin", ["part", "windows", "first origin", "last origin"], rows, note=note)


def _manifest_tables(manifest: dict[str, Any]) -> list[Table]:
    git = manifest.get("git") or {}
    commit = f"{git.get('commit') or NOTHING}{' with uncommitted changes' if git.get('dirty') else ''}"
    identity = [
        ("command", " ".join(map(str, manifest.get("command") or ()))),
        ("experiment", manifest.get("experiment")),
        ("sweep", manifest.get("sweep")),
        ("config", manifest.get("config_hash")),
        ("bars", manifest.get("bars")),
        ("code", manifest.get("code")),
        ("git commit", commit if git else None),
        ("seed", manifest.get("seed")),
        ("threads", manifest.get("threads")),
        ("platform", manifest.get("platform")),
    ]
    rows = [[key, text(value)] for key, value in identity if value not in (None, "")]
    tables = [Table("What can change the numbers", ["", ""], rows, numeric=False)] if rows else []
    if manifest.get("versions"):
        tables.append(
            Table(
                "Versions",
                ["", ""],
                [[str(key), text(value)] for key, value in manifest["versions"].items()],
                numeric=False,
            )
        )
    if manifest.get("steps"):
        rows = [
            [str(step.get("name")), *(text(_short(step.get(key))) for key in ("seconds", "peak_mb"))]
            for step in manifest["steps"]
        ]
        tables.append(Table("Steps", ["step", "seconds", "peak memory (MB)"], rows))
    return tables


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") or not words else ".")


def _short(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value
