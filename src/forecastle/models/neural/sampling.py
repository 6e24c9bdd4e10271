"""Sampling: all paths of all windows, in chunks that fit a budget, by noise that does not depend on the chunks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import prod

import numpy as np
import torch
import xxhash

from forecastle.arrays import FloatArray
from forecastle.errors import ModelError
from forecastle.models.neural.examples import Examples
from forecastle.models.neural.network import PathNetwork
from forecastle.windows.context import Context

logger = logging.getLogger(__name__)


def noise(context: Context, samples: int, shape: Sequence[int], seed: int) -> FloatArray:
    """Standard normal noise of each window, shape (N, samples, *shape), float32.

    Each window draws from a counter-based generator (Philox: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as
    easy as 1, 2, 3, SC 2011) whose key is the seed, the symbol and the origin. So the noise of a window is the same
    bits whatever stands beside it, and that of a sample whatever their number.
    """
    names = context.timeline.symbols
    keys = [xxhash.xxh3_64_intdigest(f"{seed}/{name}".encode()) for name in names]
    values = np.empty((len(context), samples, *shape), np.float32)
    times = context.origin.astype(np.int64).view(np.uint64)
    for row, (time, symbol) in enumerate(zip(times.tolist(), context.symbol.tolist(), strict=True)):
        key = np.array([keys[symbol], time], dtype=np.uint64)
        np.random.Generator(np.random.Philox(key=key)).standard_normal(dtype=np.float32, out=values[row])
    return values


def draw(
    network: PathNetwork,
    examples: Examples,
    samples: int,
    seed: int,
    memory: float,
    device: torch.device,
    autocast: torch.dtype | None = None,
) -> FloatArray:
    """Sample paths of all windows as the network gives them, shape (N, samples, H), float32.

    Parameters
    ----------
    network
        On the device, in evaluation mode.
    examples
        N windows.
    samples
        S, of each window.
    seed
        Of the noise.
    memory
        Budget in MB; a chunk takes about as much. One window is the least.
    device
        Where it is computed.
    autocast
        Type of mixed precision, or None.

    Raises
    ------
    ModelError
        If a single window does not fit into memory.
    """
    each = 4 * samples * (network.floats_per_sample + 2 * prod(network.noise_shape))
    chunk = max(1, int(memory * 1e6 / each))
    values = np.empty((len(examples), samples, network.horizon), np.float32)
    start = 0
    while start < len(examples):
        rows = np.arange(start, min(start + chunk, len(examples)))
        try:
            drawn = noise(examples.context[rows], samples, network.noise_shape, seed)
            batch = examples.__getitems__(rows).to(device)
            with torch.inference_mode(), torch.autocast(device.type, autocast, enabled=autocast is not None):
                found = network.sample(batch, torch.from_numpy(drawn).to(device))
            values[rows] = found.float().cpu().numpy()
        except (MemoryError, RuntimeError) as error:  # torch's OutOfMemoryError is a RuntimeError
            if not _out_of_memory(error):
                raise
            if chunk == 1:
                raise ModelError(
                    f"{samples} samples of one window do not fit into memory: choose a smaller model.num_samples"
                ) from error
            chunk //= 2
            logger.warning("out of memory in sampling: going on with chunks of %d windows", chunk)
            continue
        start += len(rows)
    return values


def _out_of_memory(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or ("memory" in words and "alloc" in words)
