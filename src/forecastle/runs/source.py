"""Source: the files that what a module computes depends on, found by following its imports."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from forecastle.errors import RunError

OURS = "forecastle"

_COMMENT = re.compile("#.*")
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from\b[ \t]*(\.*)[ \t]*([\w.]*)[ \t]*import\b[ \t]*(\([^)]*\)|[^\n;]+)|import[ \t]+([^\n;]+))",
    re.MULTILINE,
)
_BY_NAME = re.compile(r"""\b(?:import_module|__import__)\([ \t\n]*["']([\w.]+)["']""")


@dataclass(frozen=True)
class Source:
    """Files by the names of their modules, sorted, and what they import from elsewhere.

    Parameters
    ----------
    files
        Name and content of each module.
    packages
        Names of the packages outside that any of them imports; the standard library's are among them.
    """

    files: tuple[tuple[str, bytes], ...]
    packages: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Hash of the names and contents, 32 hexadecimal digits."""
        hashed = xxhash.xxh3_128()
        for name, content in self.files:
            hashed.update(f"{name}\0{len(content)}\0".encode())
            hashed.update(content)
        return hashed.hexdigest()


def reach(modules: Sequence[str], ours: bool = True) -> Source:
    """Follow the imports of modules through the project that they belong to, and through our own package.

    An import counts wherever it stands, in a function too. A project is what lies in the folder where a module's
    dotted name begins, in the current one and in its ``src``. A package that is installed is not followed into.

    Parameters
    ----------
    modules
        Dotted names; they are imported.
    ours
        Whether modules of our own package are followed, or left out.

    Raises
    ------
    RunError
        If the source of one of `modules` cannot be found.
    """
    found: dict[str, bytes] = {}
    outside: set[str] = set()
    waiting = [(name, *_place(name)) for name in modules]
    _, home = _place(__name__)
    while waiting:
        name, path, root = waiting.pop()
        if name in found:
            continue
        found[name] = Path(path).read_bytes()
        package = name if Path(path).stem == "__init__" else name.rpartition(".")[0]
        roots = _roots(name, root)
        for parent, member in _imports(found[name].decode(errors="replace"), package):
            top = parent.partition(".")[0]
            reached = list(_files([home] if top == OURS else roots, parent, member))
            if not reached:
                outside.add(top)
            elif ours or top != OURS:
                waiting.extend(reached)
        if roots:
            waiting.extend(_parents(root, name))
        elif not name.startswith(f"{OURS}."):
            outside.add(name.partition(".")[0])
    return Source(tuple(sorted(found.items())), tuple(sorted(outside)))


def _place(module: str) -> tuple[str, str]:
    """File of a module, and the folder in which its dotted name begins."""
    try:
        name = getattr(importlib.import_module(module), "__file__", None)
    except ImportError:
        name = None
    if name is None:
        raise RunError(f"the source of the module {module!r} cannot be found, so what it computes has no identity")
    path = Path(name)
    return name, str(path.parents[module.count(".") + (path.stem == "__init__")])


def _roots(name: str, root: str) -> list[str]:
    """Folders in which what a module imports may lie, those first that Python looks into first."""
    if name.partition(".")[0] == OURS or root.endswith(("site-packages", "dist-packages")):
        return []
    here = str(Path.cwd())
    return list(dict.fromkeys((here, f"{here}/src", root)))


def _files(roots: Sequence[str], parent: str, member: str) -> Iterator[tuple[str, str, str]]:
    """Name, file and root of the module that an import means; of the packages around it, where it is no file."""
    for root in roots:
        inner = _file(root, f"{parent}.{member}") if member else None
        if inner:
            yield f"{parent}.{member}", inner, root
            return
        if place := _file(root, parent):
            yield parent, place, root
            return
        if around := list(_parents(root, parent)):
            yield from around
            return


def _parents(root: str, name: str) -> Iterator[tuple[str, str, str]]:
    """The ``__init__`` of each package that a module lies in: it runs first."""
    while name := name.rpartition(".")[0]:
        if place := _file(root, name):
            yield name, place, root


def _file(root: str, module: str) -> str | None:
    """File of a module below a folder, or None."""
    place = f"{root}/{module.replace('.', '/')}"
    return next((path for path in (f"{place}/__init__.py", f"{place}.py") if os.path.isfile(path)), None)  # noqa: PTH113


def _imports(text: str, package: str) -> Iterator[tuple[str, str]]:
    """Each thing that is imported: the module that is named, and what is taken from it, which may be a module too.

    What looks like an import and is none, in a text, say, does no harm where no file bears the name. (Python's own
    parser takes six times as long, which every run would pay.)
    """
    text = re.sub(r"\\\r?\n", " ", _COMMENT.sub("", text))
    for dots, parent, names, plain in _IMPORT.findall(text):
        if plain:
            yield from ((each.split()[0], "") for each in plain.split(",") if each.strip())
            continue
        parts = package.split(".")
        above = ".".join(parts[: len(parts) - len(dots) + 1]) if dots else ""
        whole = ".".join(filter(None, (above, parent)))
        yield from ((whole, each.split()[0]) for each in names.strip("()").split(",") if each.strip())
    yield from ((name, "") for name in _BY_NAME.findall(text))
