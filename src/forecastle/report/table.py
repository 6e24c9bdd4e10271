"""Tables of a report: scores beside those of the baselines, over all, by step and by symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecastle.evaluation.layout import percent_places
from forecastle.report.folder import baselines
from forecastle.report.words import NOTHING, column, defined, moment, percent, spoken

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
    """The objective with its interval, the skill of the model against each baseline, and every other metric."""
    by_name = scores.get("scores") or {}
    names = ["model", *baselines(by_name)]
    objective = str(scores.get("objective", ""))
    metrics = list(dict.fromkeys(key for name in names for key in by_name.get(name) or {}))
    about = {objective: {"direction": scores.get("direction")}, **(scores.get("metrics") or {})}
    columns = [
        (title, _texts(by_name, names, metric)) for metric, title in _titles(metrics, about) if metric == objective
    ]
    bounds = column([_value(_of(scores, "interval", name).get(end)) for name in names for end in ("low", "high")])
    if any(bound != NOTHING for bound in bounds):
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        between = [NOTHING if NOTHING in pair else "\u00a0… ".join(pair) for pair in pairs]
        columns.append((f"{spoken(objective)}, 95\u202f%", between))
    skill = [_of(scores, "skill", name) for name in names]
    if any(skill):
        columns.append(("model’s skill", [percent(_value(each.get("value"))) if each else "" for each in skill]))
        columns.append(("skill, 95\u202f%", [_between(each) for each in skill]))
    columns += [
        (title, _texts(by_name, names, metric)) for metric, title in _titles(metrics, about) if metric != objective
    ]
    unit = f" in {scores['unit']}" if scores.get("unit") else ""
    size = f"{scores.get('windows', NOTHING)} windows at {scores.get('origins', NOTHING)} origins"
    return Table(
        f"{part.capitalize()} part, {moment(scores.get('start'))} to {moment(scores.get('end'))}: {size}",
        ["", *(title for title, _ in columns)],
        [[spoken(name) if at else model, *(texts[at] for _, texts in columns)] for at, name in enumerate(names)],
        strong=0,
        note=(
            f"Objective: {spoken(objective)}{unit}. Skill is measured on it, against the baseline of the row. "
            "95\u202f%: where the figure lies with that confidence. ↓ lower is better, ↑ higher is better."
        ),
    )


def _titles(metrics: Sequence[str], about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each metric with its title: its name and an arrow to where it is better."""
    arrows = [ARROWS.get(str((about.get(metric) or {}).get("direction")), "") for metric in metrics]
    return [(name, f"{spoken(name)}\u00a0{arrow}".strip()) for name, arrow in zip(metrics, arrows, strict=True)]


def _texts(by_name: Mapping[str, Any], names: Sequence[str], metric: str) -> list[str]:
    return column([_value((by_name.get(name) or {}).get(metric)) for name in names])


def _of(scores: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (scores.get(key) or {}).get(name) or {}
    return found


def _between(figures: Mapping[str, Any]) -> str:
    low, high = _value(figures.get("low")), _value(figures.get("high"))
    if low is None or high is None:
        return ""
    places = percent_places(low, high)
    return f"{percent(low, places)}\u00a0… {percent(high, places)}"


def steps_table(scores: Mapping[str, Any], model: str) -> Table | None:
    """The objective at each step; None where it is not known by step."""
    objective = str(scores.get("objective", ""))
    by_step = scores.get("by_step") or {}
    found = {
        name: list((by_step[name] or {}).get(objective) or ())
        for name in ["model", *baselines(by_step)]
        if name in by_step
    }
    if not any(found.values()):
        return None
    steps = scores.get("steps", ())
    texts = iter(column([_value(value) for values in found.values() for value in values]))
    rows = []
    for name, values in found.items():
        cells = [next(texts) for _ in values]
        rows.append([model if name == "model" else spoken(name), *cells, *[NOTHING] * (len(steps) - len(cells))])
    head = ["step", *map(str, steps)]
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


def _value(value: Any) -> float | None:
    return float(value) if defined(value) else None
