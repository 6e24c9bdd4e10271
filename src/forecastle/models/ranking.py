"""Ranking: the best epochs of a training by a score, each in a file of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from forecastle.errors import ModelError

RANKING = "ranking.json"


Entry = TypeVar("Entry", bound=tuple[float, int, object])


def ranked(entries: Iterable[Entry], mode: str) -> list[Entry]:
    """Entries of score, epoch and anything, best first; of equal scores the earlier epoch's is better.

    >>> ranked([(2.0, 1, "a"), (3.0, 2, "b"), (3.0, 3, "c")], "max")
    [(3.0, 2, 'b'), (3.0, 3, 'c'), (2.0, 1, 'a')]
    """
    sign = 1 if mode == "min" else -1
    return sorted(entries, key=lambda entry: (sign * entry[0], entry[1]))


class Ranking:
    """The best epochs of a folder; the folder's own file is the truth, so that it survives any end.

    Only files that the ranking names are ever removed.

    Parameters
    ----------
    folder
        Where the files lie.
    keep
        How many.
    mode
        ``min`` or ``max``: which way a score is better. Of equal scores the earlier epoch's is better.
    suffix
        Of the files: ``epoch_0007.pt`` is that after seven epochs.
    """

    def __init__(self, folder: Path, keep: int, mode: str, suffix: str = "pt") -> None:
        self.folder, self.keep, self.mode, self.suffix = folder, keep, mode, suffix

    def entries(self) -> list[tuple[float, int, str]]:
        """Score, epoch and file of each, best first.

        Raises
        ------
        ModelError
            If the file is damaged.
        """
        path = self.folder / RANKING
        if not path.is_file():
            return []
        try:
            found = [(float(score), int(epoch), str(name)) for score, epoch, name in json.loads(path.read_text())]
        except (ValueError, TypeError) as error:
            raise ModelError(f"{path} is no ranking of checkpoints: {error}") from error
        return [entry for entry in found if Path(entry[2]).name == entry[2]]

    def offer(self, score: float, epoch: int, write: Callable[[Path], None]) -> bool:
        """Keep an epoch if it is among the best: written and verified, ranked, and then the worst removed.

        A score that is not a number is never kept. An epoch that comes again, after a restart, takes its old place.

        Parameters
        ----------
        score
            Of the epoch.
        epoch
            Its number.
        write
            Writes what is kept into a file, and raises if the file does not hold it then.
        """
        if math.isnan(score):
            return False
        name = f"epoch_{epoch:04d}.{self.suffix}"
        others = [entry for entry in self.entries() if entry[1] != epoch]
        best = ranked([*others, (score, epoch, name)], self.mode)
        kept, gone = best[: self.keep], best[self.keep :]
        if (score, epoch, name) in kept:
            write(self.folder / name)
        temporary = self.folder / f"{RANKING}.part"
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(self.folder / RANKING)
        for _, _, old in gone:
            (self.folder / old).unlink(missing_ok=True)
        return (score, epoch, name) in kept
