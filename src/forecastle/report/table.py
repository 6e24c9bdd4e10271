"""Tables of a report: scores beside those of the baselines, over all, by step and by symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecastle.report.diagnosis import coverage
from forecastle.report.folder import Forecasts, baselines
from forecastle.report.words import NOTHING, column, defined, moment, percent, plain, spoken

ARROWS = {"min": "↓", "max": "↑"}


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its name.

    Parameters
    ----------
    caption
        What it shows.
    head
        Title of each column, that of the names included.
    rows
        Texts, each row as long as `head`.
    numeric
        Whether the cells after the first are numbers, set flush right.
    strong
        Number of the row that stands out, or −1.
    note
        One line below.
    """

    caption: str
    head: list[str]
    rows: list[list[str]]
    numeric: bool = True
    strong: int = -1
    note: str = ""


def scores_table(part: str, scores: Mapping[str, Any], model: str) -> Table:
    """Every metric of the model and of each baseline, with the skill of the model against each of them."""
    by_name = scores.get("scores") or {}
    names = ["model", *baselines(by_name)]
    metrics = list(dict.fromkeys(metric for name in names for metric in by_name.get(name) or {}))
    objective = str(scores.get("objective", ""))
    metrics.sort(key=lambda metric: metric != objective)
    cells = [column([_value((by_name.get(name) or {}).get(metric)) for name in names]) for metric in metrics]
    skill = scores.get("skill") or {}
    rows = []
    for number, name in enumerate(names):
        against = skill.get(name) or {}
        low, high = against.get("low"), against.get("high")
        interval = f"{percent(low)} … {percent(high)}" if defined(low) and defined(high) else ""
        gained = percent(against["value"]) if defined(against.get("value")) else ""
        rows.append([model if name == "model" else spoken(name), gained, interval, *(texts[number] for texts in cells)])
    about = {objective: {"direction": scores.get("direction")}, **(scores.get("metrics") or {})}
    arrows = [ARROWS.get(str((about.get(name) or {}).get("direction")), "") for name in metrics]
    head = ["", "model’s skill", "95\u202f% interval"]
    head += [f"{spoken(name)}\u00a0{arrow}".strip() for name, arrow in zip(metrics, arrows, strict=True)]
    unit = f" in {scores['unit']}" if scores.get("unit") else ""
    between = f"{moment(scores.get('start'))} to {moment(scores.get('end'))}"
    size = f"{scores.get('windows', NOTHING)} windows at {scores.get('origins', NOTHING)} origins"
    return Table(
        f"{part.capitalize()} part, {between}: {size}",
        head,
        rows,
        strong=0,
        note=(
            f"Objective: {spoken(objective)}{unit}. Skill is measured on it, against the baseline of the row. "
            "↓ lower is better, ↑ higher is better."
        ),
    )


def steps_table(scores: Mapping[str, Any], model: str) -> Table | None:
    """The objective at each step; None where it is not known by step."""
    objective = str(scores.get("objective", ""))
    by_step = scores.get("by_step") or {}
    found = {
        name: list((by_step[name] or {}).get(objective) or ())
        for name in ["model", *baselines(by_step)]
        if name in by_step
    }
    horizon = max(map(len, found.values()), default=0)
    if not horizon:
        return None
    texts = iter(column([_value(value) for values in found.values() for value in values]))
    rows = []
    for name, values in found.items():
        cells = [next(texts) for _ in values]
        rows.append([model if name == "model" else spoken(name), *cells, *[NOTHING] * (horizon - len(cells))])
    head = ["step", *(str(step) for step in range(1, horizon + 1))]
    return Table(f"{spoken(objective)} at each step", head, rows, strong=0)


def symbols_table(scores: Mapping[str, Any], model: str) -> Table | None:
    """The objective of each symbol; None where there are fewer than two."""
    by_symbol = scores.get("by_symbol") or {}
    if len(by_symbol) < 2:
        return None
    found = dict.fromkeys(name for values in by_symbol.values() for name in values or {})
    names = [*(["model"] if "model" in found else []), *baselines(found)]
    texts = column([_value((values or {}).get(name)) for values in by_symbol.values() for name in names])
    rows = [[str(symbol), *texts[at * len(names) : (at + 1) * len(names)]] for at, symbol in enumerate(by_symbol)]
    head = ["symbol", *(model if name == "model" else spoken(name) for name in names)]
    return Table(f"{spoken(str(scores.get('objective', '')))} of each symbol", head, rows)


def coverage_table(forecasts: Forecasts, bands: Sequence[tuple[float, int, int]]) -> Table | None:
    """Share of outcomes inside each central interval; None where the levels make none."""
    if not bands:
        return None
    last = forecasts.horizon
    rows = []
    for nominal, low, high in bands:
        inside = coverage(forecasts, low, high)
        shares = [inside[0], inside[-1], inside.mean()] if last > 1 else [inside[0]]
        rows.append(
            [f"{round(100 * nominal)}\u202f% interval", *(f"{plain(100 * float(share), 1)}\u202f%" for share in shares)]
        )
    return Table(
        "Outcomes inside the forecast intervals",
        ["", "step 1", *([f"step {last}", "all steps"] if last > 1 else [])],
        rows,
    )


def _value(value: Any) -> float | None:
    return float(value) if defined(value) else None
