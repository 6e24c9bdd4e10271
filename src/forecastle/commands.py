"""The commands: one function each, which reads its words and leaves the work to others."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from forecastle import logs, paths
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.runs.store import Run
from forecastle.runs.store import located as _place
from forecastle.runs.store import usual_store as _store
from forecastle.runs.tags import tags
from forecastle.terminal import print_run


def run(words: Sequence[str]) -> int:
    """Run one experiment or a sweep."""
    from forecastle.launch import run as launch

    return launch(words)


def runs(words: Sequence[str]) -> int:
    """List the finished runs, oldest first."""
    _no_more(words, 0, "forecastle runs")
    store = _store()
    found = store.all()
    if not found:
        print(f"no runs in {store.folder} yet; `forecastle run` makes one")
        return 0
    print(f"{'run':16}  {'finished (UTC)':19}  {'model':22} {'data':14} {'validation':>22}  {'test':>10}")
    tagged = tags(store.folder)
    for each in found:
        try:
            line = _listed(each)
        except RunError as error:
            print(f"{each.id}  {error}")
        except KeyError as error:
            print(f"{each.id}  its manifest or its metrics are damaged: {error} is missing")
        else:
            told = [name for name, run in tagged.items() if run == each.id]
            print("  ".join([line, *told, *(["no weights"] if not each.has_weights else [])]))
    return 0


def _listed(run: Run) -> str:
    """A run's line in the list."""
    manifest, metrics = run.manifest, run.metrics
    part = metrics["validation"]
    name = part["objective"]
    value = _number(part["scores"]["model"].get(name))
    test = metrics.get("test")
    opened = _number(test["scores"]["model"].get(name)) if test else "not opened"
    created = _second(manifest["created"])
    shown = f"{name} {value}"
    return f"{run.id}  {created}  {manifest['name']:22} {manifest['data']:14} {shown:>22}  {opened:>10}"


def show(words: Sequence[str]) -> int:
    """Print a run's table, or every metric of its model by slice; write its report where that has waited."""
    cut = words[1].partition("=")[2] if len(words) == 2 and words[1].startswith("by=") else None
    _no_more(words, 1 if cut is None else 2, "forecastle show RUN [by=hour]")
    store, name = _place(words[0])
    found = store.get(name)
    if cut is None:
        print_run(found)
        return 0
    from forecastle.doors.cutting import render_slices

    print("\n\n".join(render_slices(found.folder, part, cut) for part in found.metrics))
    return 0


def protect(words: Sequence[str]) -> int:
    """Give a run a tag, which protects it."""
    from forecastle.doors.protecting import protect as act

    return act(words)


def unprotect(words: Sequence[str]) -> int:
    """Take a tag away, or all tags of a run."""
    from forecastle.doors.protecting import unprotect as act

    return act(words)


def restore(words: Sequence[str]) -> int:
    """Fit a run again that kept no weights, and keep them."""
    from forecastle.doors.protecting import restore as act

    return act(words)


def promote(words: Sequence[str]) -> int:
    """Make a run's files the outputs of the DVC stages."""
    from forecastle.doors.promoting import promote as act

    return act(words)


def sweeps(words: Sequence[str]) -> int:
    """List the sweeps, the newest last."""
    from forecastle.runs.sweep import sweeps as all_sweeps

    _no_more(words, 0, "forecastle sweeps")
    store = _store()
    found = all_sweeps(store.folder)
    if not found:
        print(f"no sweeps in {store.folder} yet; `forecastle run -m` makes one")
        return 0
    counts = f"{'runs':>5} {'done':>5} {'failed':>6} {'pruned':>6} {'running':>7} {'missing':>7}"
    print(f"{'sweep':8}  {'begun (UTC)':19}  {counts}  command")
    for record in found:
        try:
            state = record.state()
        except (RunError, KeyError) as error:
            print(f"{record.id}  damaged: {error}")
            continue
        numbers = (
            f"{state.total:5} {state.done:5} {state.failed:6} {state.pruned:6} {state.running:7} {state.missing:7}"
        )
        told = " (at work)" if state.attended else ""
        print(f"{record.id}  {_second(state.started)}  {numbers}  {shlex.join(state.words)}{told}")
    return 0


def sweep(words: Sequence[str]) -> int:
    """Go on with a sweep: do what is missing or failed."""
    usage = "forecastle sweep resume ID|last [retry=failed|none] [max_failures=N] [stop_on_error=true] [changed=anew]"
    if len(words) < 2 or words[0] != "resume":
        raise ConfigError(f"usage: {usage}; got {' '.join(words) or 'no argument'}")
    from forecastle.doors.resuming import resume

    return resume(_store(), words[1], words[2:])


def compare(words: Sequence[str]) -> int:
    """Rank finished runs, with the uncertainty of each difference."""
    from forecastle.doors.comparing import compare as act

    return act(words)


def looks(words: Sequence[str]) -> int:
    """List the test parts that were opened."""
    from forecastle.doors.looking import looks as act

    return act(words)


def evaluate(words: Sequence[str]) -> int:
    """Open the test part of a run."""
    _no_more(words, 2, "forecastle evaluate RUN part=test")
    key, _, part = words[1].partition("=")
    if key != "part" or part != "test":
        raise ConfigError(f"part=test is wanted, got {words[1]!r}: the validation part is scored in every run")
    from forecastle.reopening import open_test
    from forecastle.tracked import renew

    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store, name = _place(words[0])
    found = open_test(store.get(name), store, "forecastle evaluate")
    renew(found, store)
    print_run(found)
    return 0


def explain(words: Sequence[str]) -> int:
    """Measure what the models of a run lean on."""
    usage = "forecastle explain RUN [repeats=5] [windows=100]"
    if not words:
        _no_more(words, 1, usage)
    from forecastle.explanation import Effort
    from forecastle.reopening import explain as measure
    from forecastle.tracked import renew

    settings: dict[str, int] = {}
    for word in words[1:]:
        key, _, value = word.partition("=")
        if key not in ("repeats", "windows") or not value.isdigit():
            raise ConfigError(f"usage: {usage}; got {word}{nearest(key, ('repeats', 'windows'))}")
        settings[key] = int(value)
    effort = Effort(**settings)
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store, name = _place(words[0])
    found = measure(store.get(name), store, effort)
    renew(found, store)
    print(f"importance  {found.folder / paths.IMPORTANCE}")
    print(f"report      {found.folder / paths.REPORT}")
    return 0


def track(words: Sequence[str]) -> int:
    """Send finished runs to a tracker, or tell which are there."""
    from forecastle.doors.pushing import track as act

    return act(words)


def reproduce(words: Sequence[str]) -> int:
    """Compute a run again and compare."""
    _no_more(words, 1, "forecastle reproduce RUN")
    from forecastle.doors.reproduce import reproduce as compute_again

    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store, name = _place(words[0])
    verdict = compute_again(store.get(name))
    print("\n".join(verdict.lines))
    return 0 if verdict.same else 1


def data(words: Sequence[str]) -> int:
    """Bring candles into the store, write them out, list or check them; look at a file."""
    from forecastle.doors.candles import data as act

    return act(words)


def indicators(words: Sequence[str]) -> int:
    """List what `full`, or the chosen indicators, are."""
    from forecastle.config.compose import compose
    from forecastle.features.listing import describe_indicators, render_indicators

    print(render_indicators(describe_indicators(compose(list(words) or ["indicator=full"]).indicator)))
    return 0


def check(words: Sequence[str]) -> int:
    """Try whether indicators look ahead, or claim too short a warm-up, on the chosen bars."""
    from forecastle.doors.checking import run as try_indicators

    return try_indicators(words)


def cache(words: Sequence[str]) -> int:
    """Tell of the cache of features, clear it, or check it."""
    from forecastle.doors.caching import cache as act

    return act(words)


def params(words: Sequence[str]) -> int:
    """Write params.yaml, or check it."""
    from forecastle.stages import check_params, write_params

    if list(words) == ["--check"]:
        check_params()
        return 0
    if any(word.startswith("-") for word in words):
        raise ConfigError(f"forecastle params takes overrides or --check, got {' '.join(words)}")
    write_params(words)
    return 0


def version(words: Sequence[str]) -> int:
    """Print the version."""
    _no_more(words, 0, "forecastle version")
    from forecastle import __version__

    print(f"forecastle {__version__}")
    return 0


def _second(time: str) -> str:
    """A time to the second, as the lists show it."""
    return time[:19].replace("T", " ")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _no_more(words: Sequence[str], count: int, usage: str) -> None:
    if len(words) != count:
        raise ConfigError(f"usage: {usage}; got {' '.join(words) or 'no argument'}")
