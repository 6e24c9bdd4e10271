"""Fitted scikit-learn estimators in a file that runs no code when it is opened (the skops format).

Such a file is a zip of arrays and of one tree, ``schema.json``, whose nodes each name a type and a *loader*, the way
in which the type is brought back. skops leaves it to its caller which types to trust, but some loaders call what they
name with arguments from the file: with numpy trusted, a file could overwrite another by calling ``numpy.memmap``. So
the rule here is about both. A type of scikit-learn is rebuilt without calling its constructor, and must be a class
that is defined where the file says; all other loaders may name only the few types that are listed for them.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import io
import json
import struct
import sys
import warnings
import zipfile
import zlib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from forecastle.errors import ModelError
from forecastle.runs.trees import check_trees

SCHEMA = "schema.json"

LOADERS: dict[str, tuple[str, ...]] = {
    "ObjectNode": ("sklearn.",),
    "TreeNode": ("sklearn.tree._tree.Tree",),
    "LossNode": ("sklearn._loss._loss.", "sklearn.linear_model._sgd_fast."),
    "DictNode": ("builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"),
    "ListNode": ("builtins.list",),
    "TupleNode": ("builtins.tuple",),
    "SliceNode": ("builtins.slice",),
    "JsonNode": ("builtins.str",),
    "TypeNode": ("builtins.str", "builtins.int", "builtins.float", "builtins.bool", "numpy."),
    "NdArrayNode": ("numpy.",),
    "MaskedArrayNode": ("numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"),
    "DTypeNode": ("numpy.dtype",),
    "SparseMatrixNode": ("scipy.sparse.",),
    "RandomStateNode": ("numpy.random.mtrand.RandomState",),
    "RandomGeneratorNode": ("numpy.random._generator.Generator",),
}
"""Types that each loader may name; a prefix ends in a dot. Loaders that are not listed are refused."""

BROKEN = (
    AttributeError, EOFError, ImportError, IndexError, KeyError, NotImplementedError, OSError, OverflowError,
    RecursionError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What skops, numpy and zipfile raise on a file that is damaged or made up."""


def write(state: dict[str, Any], path: Path) -> None:
    """Write plain values, arrays and scikit-learn estimators into a file; see `pack`.

    Raises
    ------
    ModelError
        If a part of the state is of a type that `read` would refuse.
    """
    path.write_bytes(pack(state))


def read(path: Path) -> dict[str, Any]:
    """Read what `write` wrote.

    Raises
    ------
    ModelError
        If the file is missing, damaged, from another version of scikit-learn, or names a type that is not allowed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be opened as a model: {' '.join(str(error).split())}") from error
    return unpack(data, str(path))


def pack(state: dict[str, Any]) -> bytes:
    """Pack plain values, arrays and scikit-learn estimators.

    The bytes depend on the state alone: the same state gives the same bytes, at any time and in any process.

    Raises
    ------
    ModelError
        If a part of the state is of a type that `unpack` would refuse.
    """
    try:
        schema, contents = _told(state)
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the model cannot be kept without pickled code: {' '.join(str(error).split())}") from error
    nodes = _nodes(schema)
    _trusted(nodes, "the model")
    parts = _canonical(schema, nodes, contents)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return whole.getvalue()


def unpack(data: bytes, where: str) -> dict[str, Any]:
    """Unpack what `pack` packed; `where` says in messages where the bytes come from.

    Raises
    ------
    ModelError
        If they are damaged, from another version of scikit-learn, or name a type that is not allowed.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read(SCHEMA))
        trusted = _trusted(_nodes(schema), where)
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            state = _skops().loads(data, trusted=trusted)
        check_trees(state)
    except InconsistentVersionWarning as error:
        versions = f"scikit-learn {error.original_sklearn_version}, this is {error.current_sklearn_version}"
        raise ModelError(f"{where} was saved by {versions}: install that version, or fit again") from error
    except BROKEN as error:
        raise ModelError(f"{where} cannot be opened as a model: {' '.join(str(error).split())}") from error
    if not isinstance(state, dict):
        raise ModelError(f"{where} must hold a dictionary, got {type(state).__name__}")
    return state


@lru_cache(maxsize=1)
def _skops() -> Any:
    """skops.io, imported without the lists of what it trusts by default.

    Listing all estimators imports every module of scikit-learn, and with them torch where it is installed (3 s in place
    of .2 s); listing ufuncs searches every loaded module for each of them (.15 s). Our own rule is the only trust.
    """
    import sklearn.utils

    spec = importlib.util.find_spec("skops.io")
    if spec is None or spec.loader is None:
        raise ModelError("models are kept with skops, which is not installed")
    found = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = lambda *_, **__: []
    try:
        package: Any = importlib.util.module_from_spec(spec)
        sys.modules["skops.io"] = package  # so that its submodule is found before the package itself has run
        listing: Any = importlib.import_module("skops.io._utils")
        names = listing.get_public_type_names
        listing.get_public_type_names = lambda *_, **__: []
        try:
            spec.loader.exec_module(package)
        finally:
            listing.get_public_type_names = names
    except BaseException:
        sys.modules.pop("skops.io", None)
        raise
    finally:
        sklearn.utils.all_estimators = found
    return package


class _Contents(dict[str, bytes]):
    """What skops takes for a zip that it writes into: the contents by name."""

    def namelist(self) -> dict[str, bytes]:
        """Names so far, found at once where a zip would list them all for each array."""
        return self

    def writestr(self, name: str, content: bytes | memoryview) -> None:
        """Take one content."""
        self[name] = bytes(content)


def _told(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What ``skops.io.dumps`` would zip: its schema, and its arrays by name.

    It indents the schema, which costs more than all arrays of a forest, and zips what is read out again here.
    """
    package = _skops()
    contents = _Contents()
    context = package._persist.SaveContext(zip_file=contents)
    schema = package._persist.get_state(state, context)
    schema.update(protocol=context.protocol, _skops_version=package._persist.skops.__version__)
    return schema, contents


def _nodes(tree: Any) -> list[dict[str, Any]]:
    """All nodes that name a loader, parents first."""
    found, stack = [], [tree]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if "__loader__" in part:
                found.append(part)
            part = part.values()
        stack.extend([each for each in part if isinstance(each, dict | list | tuple)][::-1])
    return found


def _trusted(nodes: list[dict[str, Any]], where: str) -> list[str]:
    """Names of the types that the nodes name, all of which are allowed.

    Raises
    ------
    ModelError
        If one is not; the message names it.
    """
    pairs = sorted({(str(n["__loader__"]), str(n.get("__module__")), str(n.get("__class__"))) for n in nodes})
    for loader, module, name in pairs:
        if loader not in LOADERS:
            raise ModelError(f"{where} holds {module}.{name} by {loader}, which may run code: refused")
        prefixes = LOADERS[loader]
        listed = f"{module}.{name}" in prefixes or f"{module}.".startswith(tuple(p for p in prefixes if p[-1] == "."))
        if loader == "ObjectNode":
            allowed = _is_class(module, name) if listed else _is_known_estimator(module, name)
        else:
            allowed = listed and (module.split(".")[0] == "builtins" or _is_kind(loader, module, name))
        if not allowed:
            raise ModelError(f"{where} holds {module}.{name}, which is no class of scikit-learn or array: refused")
    return sorted({f"{module}.{name}" for _, module, name in pairs})


def _is_class(module: str, name: str) -> bool:
    """Whether the name leads to a class that is defined in that very module."""
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return False
    return isinstance(found, type) and found.__module__ == module and found.__name__ == name


def _is_kind(loader: str, module: str, name: str) -> bool:
    """Whether a listed name is harmless where the loader calls it: an array's scalar type, or a class of its own."""
    found = getattr(importlib.import_module(module), name, None)
    if loader in ("NdArrayNode", "TypeNode"):
        return isinstance(found, type) and (found is np.ndarray or issubclass(found, np.generic))
    return isinstance(found, type)


def _is_known_estimator(module: str, name: str) -> bool:
    """Whether the name is an estimator from outside that this process has already imported: a user's own."""
    from sklearn.base import BaseEstimator

    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and issubclass(found, BaseEstimator) and found.__module__ == module


def _canonical(schema: dict[str, Any], nodes: list[dict[str, Any]], contents: dict[str, bytes]) -> dict[str, bytes]:
    """Contents by name, with addresses in memory, random names and unused bytes taken out; changes the schema."""
    shared = Counter(node.get("__id__") for node in nodes)
    numbers: dict[Any, int] = {}
    names: dict[str, str] = {}
    for node in nodes:
        identity = node.pop("__id__", None)
        if identity is not None and shared[identity] > 1 and node["__loader__"] != "JsonNode":
            node["__id__"] = numbers.setdefault(identity, len(numbers) + 1)
        if "file" in node:
            kind = Path(node["file"]).suffix
            node["file"] = names.setdefault(node["file"], f"{len(names)}{kind}")
    parts = {SCHEMA: json.dumps(schema, separators=(",", ":")).encode()}
    for name, short in names.items():
        parts[short] = _without_padding(contents[name]) if short.endswith(".npy") else contents[name]
    return parts


def _without_padding(content: bytes) -> bytes:
    """The same array with zeros in the bytes between the fields of its records, where memory is left as it was."""
    if b"'descr': [" not in content[:64]:  # the header of an array without fields
        return content
    size = int.from_bytes(content[8:10], "little")  # of the header of version 1, whose text is a dictionary
    text, _, _ = content[10 : 10 + size].partition(b", 'fortran_order'")
    unused = _unused(text)
    records = np.frombuffer(content, np.uint8, offset=10 + size).reshape(-1, len(unused)).copy()
    records[:, unused] = 0
    return content[: 10 + size] + records.tobytes()


@lru_cache
def _unused(text: bytes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which bytes of a record belong to no field, by the beginning of an array's header: ``{'descr': [ … ]``."""
    records = np.lib.format.descr_to_dtype(ast.literal_eval(text.decode("latin-1") + "}")["descr"])
    unused = np.ones(records.itemsize, bool)
    for kind, offset, *_ in (records.fields or {}).values():
        unused[offset : offset + kind.itemsize] = False
    return unused
