"""Examples and Batches: windows as a torch data set, gathered a batch at a time, in an order that the seed gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from forecastle.arrays import FloatArray, IntArray
from forecastle.errors import ModelError
from forecastle.models.neural.network import Batch
from forecastle.windows.context import Context


class Examples(Dataset[Batch]):
    """The windows of a context; a batch is one vectorised gather from the timeline, and nothing else is copied.

    Parameters
    ----------
    context
        N windows.
    symbols
        Number of each symbol's name in training.
    target
        As the network sees it, shape (N, H), float32; None to forecast.

    Raises
    ------
    ModelError
        If a window's symbol was not in training.
    """

    def __init__(self, context: Context, symbols: Mapping[str, int], target: FloatArray | None = None) -> None:
        timeline = context.timeline
        present = np.unique(context.symbol)
        unknown = [timeline.symbols[number] for number in present if timeline.symbols[number] not in symbols]
        if unknown:
            raise ModelError(f"{unknown[0]} was not in training (there were: {', '.join(symbols)})")
        self.context = context
        self.target = target
        self._number = np.array([symbols.get(name, 0) for name in timeline.symbols])
        self._offset = np.arange(1 - context.context_length, 1)

    def __len__(self) -> int:
        return len(self.context)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int] | IntArray) -> Batch:
        """The batch of some windows."""
        timeline = self.context.timeline
        chosen = np.asarray(indices)
        row = self.context.row[chosen]
        rows = row[:, None] + self._offset
        path = timeline.log_close.take(rows)
        past = (path - path[:, -1:]) / timeline.scale.take(row)[:, None]
        target = None if self.target is None else torch.from_numpy(self.target.take(chosen, axis=0))
        return Batch(
            torch.from_numpy(timeline.features.take(rows, axis=0)),
            torch.from_numpy(past.astype(np.float32)),
            torch.from_numpy(self._number.take(timeline.symbol.take(row))),
            target,
        )

    def loader(self, batches: Batches) -> DataLoader[Batch]:
        """Batches for a trainer; they are gathered in the process itself, which is faster than sending them to it."""
        return DataLoader(self, batch_sampler=batches, collate_fn=_as_it_is)


class Batches(Sampler[list[int]]):
    """Indices of each batch: in order, or shuffled anew in each epoch by the seed and the epoch's number alone.

    So an epoch is the same whether those before it ran in this process or before a restart. With several processes
    each takes its share of every batch, and all together see the batches that one process would.

    Parameters
    ----------
    count
        N windows.
    size
        Windows of a batch, over all processes; the last one may be smaller.
    seed
        Seed of the order; None for the order that they have.
    epoch
        Tells the current epoch's number.
    share
        Rank of this process and number of processes.
    """

    def __init__(
        self,
        count: int,
        size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = int,
        share: Callable[[], tuple[int, int]] = lambda: (0, 1),
    ) -> None:
        self.count, self.size, self.seed, self.epoch, self.share = count, size, seed, epoch, share

    def __len__(self) -> int:
        return (self.count + self.size - 1) // self.size

    def __iter__(self) -> Iterator[list[int]]:
        rank, processes = self.share()
        order = np.arange(self.count)
        if self.seed is not None:
            order = np.random.default_rng([self.seed, self.epoch()]).permutation(self.count)
        for start in range(0, self.count, self.size):
            batch = order[start : start + self.size]
            mine = batch[rank::processes]
            yield (mine if len(mine) else batch[:1]).tolist()


def _as_it_is(batch: Any) -> Any:
    return batch
