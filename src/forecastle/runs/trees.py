"""Decision trees from a file: every index must lead to a node or a column that is there.

scikit-learn follows the indices of a tree without looking, so a tree that was made up could read memory beyond its
arrays or never come to a leaf.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from forecastle.arrays import BoolArray, IntArray
from forecastle.errors import ModelError

OWNERS = (
    "sklearn.tree.",
    "sklearn.ensemble._forest",
    "sklearn.ensemble._gb",
    "sklearn.ensemble._hist_gradient_boosting.",
)
"""Modules of estimators that hand their inputs to trees without checking their width again."""


def check_trees(state: Any) -> None:
    """Check all trees in estimators, lists, tuples, dictionaries and object arrays.

    Raises
    ------
    ModelError
        If a tree has an index that leads out of it, or back.
    """
    seen: set[tuple[int, int | None]] = set()
    stack: list[tuple[Any, int | None]] = [(state, None)]
    while stack:
        part, width = stack.pop()
        if (id(part), width) in seen:
            continue
        if isinstance(part, (list, tuple)):
            stack.extend((each, width) for each in part)
        elif isinstance(part, dict):
            stack.extend((each, width) for each in part.values())
        elif isinstance(part, np.ndarray):
            if part.dtype == object:
                stack.extend((each, width) for each in part.ravel())
        elif type(part).__module__.startswith("sklearn."):
            seen.add((id(part), width))
            stack.extend(_inside(part, width))


def _inside(part: Any, width: int | None) -> Iterator[tuple[Any, int | None]]:
    """Check one object of scikit-learn; give what it holds, and how many columns trees in there may ask for."""
    kind = type(part).__name__
    if kind == "Tree":
        _check_tree(part, width)
        return
    if kind == "TreePredictor":
        _check_predictor(part, width)
        return
    if type(part).__module__.startswith(OWNERS):
        own = int(getattr(part, "n_features_in_", 0))
        width = own if width is None else min(width, own)
    else:
        width = None
    for each in vars(part).values() if hasattr(part, "__dict__") else ():
        yield each, width


def _check_tree(tree: Any, width: int | None) -> None:
    """A tree of scikit-learn's forests, gradient boosting and single trees: a leaf has no left child (−1)."""
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    _check(left != -1, left, right, feature, tree.n_features if width is None else min(width, tree.n_features))


def _check_predictor(predictor: Any, width: int | None) -> None:
    """A tree of histogram gradient boosting."""
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    left, right, feature = (nodes[name].astype(np.int64) for name in ("left", "right", "feature_idx"))
    _check(inner, left, right, feature, width)
    categories = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    if np.any(categories >= len(predictor.raw_left_cat_bitsets)):
        raise ModelError("a tree of the model is damaged: its categories are not there")


def _check(inner: BoolArray, left: IntArray, right: IntArray, feature: IntArray, width: int | None) -> None:
    """Children of inner nodes lie after their parent and inside the tree; features are columns."""
    count = len(inner)
    parent = np.flatnonzero(inner)
    for child in (left[inner], right[inner]):
        if not count or np.any(child <= parent) or np.any(child >= count):
            raise ModelError("a tree of the model is damaged: its nodes do not lead to its leaves")
    column = feature[inner]
    if np.any(column < 0) or (width is not None and np.any(column >= width)):
        raise ModelError(f"a tree of the model is damaged: it asks for columns that are not among {width}")
