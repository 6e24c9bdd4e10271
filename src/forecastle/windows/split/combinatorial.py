"""PurgedKFold and CombinatorialPurged: every stretch of time is tested, by models that were fitted on both sides of it.

A walk forward tests along the one path that happened. Here the model also learns from what came after a test part,
which no trader could, and in return every bar is tested, several times in other company: how much a score owes to the
one path shows in its spread over many. What it does not show is how the model would have done in its time.
"""

from __future__ import annotations

import itertools

import numpy as np

from forecastle.arrays import IntArray, TimeArray
from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.separation import Spans, part_from


class CombinatorialPurged:
    r"""Each choice of k among N groups of time is the test part of one fold.

    There are :math:`\binom{N}{k}` folds. Each group is tested by :math:`\varphi = \frac{k}{N}\binom{N}{k}` of them,
    and so their forecasts make up :math:`\varphi` *paths* through all the time there is: the j-th fold that tests a
    group, in the order of the folds, tells of it in path j. The score of each path and their spread stand beside the
    pooled one.

    The last part of the group before the first test group (before the oldest group comes the newest) validates; all
    else trains, less purge and embargo.

    Parameters
    ----------
    groups
        N, stretches of equally many bars' times, from the first origin to the last.
    test_groups
        k, at least 1 and at most N − 2.
    validation
        Share of its group that validates, the latest of it, inside (0, 1] .

    Raises
    ------
    ConfigError
        If a value is outside of its range.

    References
    ----------
    López de Prado, Advances in Financial Machine Learning (2018), sections 7.4 and 12.3 to 12.4.

    Examples
    --------
    >>> split = CombinatorialPurged(groups=6, test_groups=2)
    >>> split.folds, split.paths
    (15, 5)
    """

    def __init__(self, groups: int = 6, test_groups: int = 2, validation: float = 0.5) -> None:
        if test_groups < 1:
            raise ConfigError(f"test_groups must be at least 1, got {test_groups}")
        if groups < test_groups + 2:
            raise ConfigError(
                f"groups must be at least {test_groups + 2}, the {test_groups} that test and two more, got {groups}"
            )
        if not 0 < validation <= 1:
            raise ConfigError(f"validation must be a share above 0 and at most 1, got {validation}")
        self.groups = groups
        self.validation = validation
        self.tested = tuple(itertools.combinations(range(groups), test_groups))

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return len(self.tested)

    @property
    def paths(self) -> int:
        """φ, how many paths there are."""
        return sum(0 in chosen for chosen in self.tested)

    def split(
        self,
        origin: TimeArray,
        label_end: TimeArray,
        times: TimeArray,
        horizon: int,  # noqa: ARG002 (the contract's argument)
        context_start: TimeArray,
    ) -> tuple[Fold, ...]:
        """Return the folds; the arguments are told by `forecastle.windows.fold.Split`.

        Raises
        ------
        SplitError
            If a group has no windows, or purge and embargo leave nothing of a part.
        """
        times = times[(times >= origin.min()) & (times <= origin.max())]
        edges = np.round(np.linspace(0, len(times), self.groups + 1)).astype(np.int64)
        row = np.searchsorted(times, origin)
        group = np.searchsorted(edges, row, side="right") - 1
        sizes = np.bincount(group, minlength=self.groups)
        if not sizes.all():
            raise SplitError(
                f"each of {self.groups} groups must have windows, group {int(np.argmin(sizes))} has none "
                f"({len(origin)} windows of {len(times)} bars): fewer groups, or more bars"
            )
        late = edges[1:] - np.maximum(np.round(self.validation * np.diff(edges)), 1).astype(np.int64)
        order = np.argsort(origin, kind="stable")
        ordered = group[order]
        latest = row[order] >= late[ordered]
        spans = Spans(context_start, origin, label_end)
        seen = np.zeros(self.groups, dtype=np.int64)
        folds = []
        for number, chosen in enumerate(self.tested):
            in_test = np.isin(ordered, chosen)
            watched = (ordered == self._watched(chosen)) & latest
            parts = (order[~in_test & ~watched], order[watched], order[in_test])
            folds.append(_fold(parts, spans, seen[ordered[in_test]], f"fold {number}"))
            seen[list(chosen)] += 1
        return tuple(folds)

    def _watched(self, chosen: tuple[int, ...]) -> int:
        """The nearest group before the first test group that is not tested, the newest coming before the oldest."""
        before = ((chosen[0] - back) % self.groups for back in range(1, self.groups))
        return next(group for group in before if group not in chosen)


def _fold(parts: tuple[IntArray, IntArray, IntArray], spans: Spans, path: IntArray, name: str) -> Fold:
    """One fold of the windows that would train, validate and test, less those that know what they must not."""
    train, validation, test = parts
    validation, *lost = part_from(validation, test, spans)
    train, *more = part_from(train, np.concatenate([validation, test]), spans)
    purged, embargoed = (mine + other for mine, other in zip(lost, more, strict=True))
    for part, left in (("train", train), ("validation", validation), ("test", test)):
        if not len(left):
            raise SplitError(
                f"{name}: the {part} part is empty: {purged} windows were purged and {embargoed} embargoed: "
                "fewer groups, or a shorter horizon, context_length or warm-up"
            )
    return Fold(train, validation, test, purged, embargoed, path)


class PurgedKFold(CombinatorialPurged):
    """Each of N groups of time is tested by one fold, whose model was fitted on both sides of it.

    Parameters
    ----------
    folds
        N, at least 3: stretches of equally many bars' times, from the first origin to the last.
    validation
        Share of the group before the test group that validates, the latest of it, inside (0, 1] .

    Raises
    ------
    ConfigError
        If a value is outside of its range.

    References
    ----------
    López de Prado, Advances in Financial Machine Learning (2018), section 7.4.
    """

    def __init__(self, folds: int = 5, validation: float = 0.5) -> None:
        if folds < 3:
            raise ConfigError(f"folds must be at least 3, got {folds}")
        super().__init__(folds, 1, validation)
