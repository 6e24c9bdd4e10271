"""Hydra's sweeper that lets Optuna propose the jobs: ``hydra/sweeper=optuna``."""

from __future__ import annotations

from typing import Any

from hydra_plugins.forecastle_sweeper import ForecastleSweeper


class OptunaSweeper(ForecastleSweeper):
    """Trials that a sampler proposes, batch by batch; a batch is run by the launcher, and the next one knows it.

    Parameters
    ----------
    sampler
        ``tpe``, ``random``, ``grid``, ``cmaes`` or ``qmc``.
    n_trials
        How many; None: 20, and all points of a grid.
    batch
        How many are proposed at once; a launcher with workers runs them side by side. Another size gives other trials.
    seed
        Of the sampler: the same seed gives the same trials.
    objectives
        Metrics of the validation part that are made better, as ``["crps", "sharpe"]``; None: the runs' objective.
    constraints
        Bounds that the best has to keep, ``["turnover <= 10"]``.
    pruner
        ``none``, ``median`` or ``hyperband``, with settings ``{median: {startup: 10}}``: stops trials on the way that
        do worse than others (`forecastle.search.pruning`).
    storage
        A SQLAlchemy URL without a password; None: a journal in the sweep's folder.
    password_env
        Name of the environment variable that holds the database's password.
    """

    def __init__(  # noqa: PLR0913  each is a setting of its own on the command line
        self,
        *,
        sampler: str = "tpe",
        n_trials: int | None = None,
        batch: int = 1,
        seed: int = 0,
        objectives: list[str] | None = None,
        constraints: list[str] | None = None,
        pruner: str | dict[str, dict[str, int]] | None = None,
        storage: str | None = None,
        password_env: str | None = None,
    ) -> None:
        super().__init__()
        self._settings = {
            **{"sampler": sampler, "n_trials": n_trials, "batch": batch, "seed": seed},
            **{"objectives": objectives, "constraints": constraints or []},
            **{"pruner": pruner, "storage": storage, "password_env": password_env},
        }

    def sweep(self, arguments: list[str]) -> list[Any]:
        """Run the search that the command line asks for; nothing is handed back, all of it is in the ledger."""
        from forecastle.sweeps.searching import Wish, search

        if self.hydra_context is None or self.launcher is None:
            raise RuntimeError("Hydra sets a sweeper up before it sweeps")
        search(Wish.read(self._settings), arguments, self.hydra_context.config_loader, self.config, self.launcher)
        return []
