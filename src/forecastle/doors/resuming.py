"""`forecastle sweep resume`: the command of a sweep again, once it is sure that it asks the same question."""

from __future__ import annotations

from collections.abc import Sequence

from forecastle import launch, paths
from forecastle.config.compose import compose, read
from forecastle.errors import ConfigError, RunError
from forecastle.experiment import Experiment
from forecastle.reopening import changes
from forecastle.runs.command import SILENT
from forecastle.runs.store import RunStore
from forecastle.runs.sweep import SweepRecord, named
from forecastle.sweeps.limits import LIMITS

ANEW = "changed=anew"


def resume(store: RunStore, word: str, more: Sequence[str] = ()) -> int:
    """Run the command of a sweep again: finished runs are reused, what failed or is missing is computed.

    Parameters
    ----------
    store
        Where the runs lie.
    word
        Id of the sweep, the beginning of one, or ``last``.
    more
        Limits on failures (``retry=none``, ``max_failures=3``), and ``changed=anew`` for a sweep whose
        code, data or libraries are no longer those of its finished runs, which are then all computed anew. Words that
        make it no other sweep, as ``hydra.sweeper.n_trials=50``, stand in for those of before.

    Raises
    ------
    RunError
        If there is no such sweep, or it has changed and that was not agreed to.
    ConfigError
        If `more` holds anything else.
    """
    for each in more:
        if each != ANEW and each.partition("=")[0] not in LIMITS and not each.startswith(SILENT):
            words = ", ".join([*(f"{word}=" for word in LIMITS), *SILENT])
            raise ConfigError(f"{words} or {ANEW} wanted, got {each!r}")
    record = named(store.folder, word)
    if ANEW not in more and (told := _changes(record, store)):
        raise RunError(
            f"sweep {record.id} has changed: {'; '.join(told)}: its finished runs would be computed anew "
            f"(`forecastle sweep resume {record.id} {ANEW}` does that)"
        )
    given = [each for each in more if each != ANEW]
    keys = {each.partition("=")[0] for each in given}
    if "hydra/launcher" in keys:  # the settings of another one are none of its own
        keys |= {key for each in record.asked() if (key := each.partition("=")[0]).startswith("hydra.launcher.")}
    kept = [each for each in record.asked() if each.partition("=")[0] not in keys]
    return launch.run([*kept, *given], anew=ANEW in more)


def _changes(record: SweepRecord, store: RunStore) -> list[str]:
    """What differs between the first finished run of a sweep and the same configuration today."""
    for job in record.jobs():
        found = store.find(job.run) if job.run else None
        if found is not None and not found.damage:
            experiment = Experiment(read(found.folder / paths.CONFIG))
            if experiment.identity.id != found.id:
                return changes(found, experiment)
            plain = all(word in ("-m", "--multirun") or not word.startswith("-") for word in record.asked())
            if plain and Experiment(compose(job.choices)).identity.id != found.id:
                return ["conf/, or the environment that it reads, makes another configuration"]
            return []
    return []
