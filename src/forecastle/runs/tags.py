"""Tags: names that people give to runs, which protects them. One small file each, below ``runs/tags``.

A protected run is not computed anew by ``force=true`` and never loses its weights; no other code removes runs.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from forecastle import paths
from forecastle.errors import ConfigError, RunError, nearest

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_ID = re.compile(r"[0-9a-f]+")
RESERVED = ("last",)
"""Words that name a run already."""


def tags(store: Path) -> dict[str, str]:
    """Run id of each tag, in the order of their names.

    Raises
    ------
    RunError
        If the file of a tag holds no id.
    """
    return {name: _read(store / paths.TAGS / name) for name in sorted(_names(store))}


def tags_of(store: Path, run: str) -> tuple[str, ...]:
    """The tags of a run, in order; none: it is not protected."""
    return tuple(name for name, tagged in tags(store).items() if tagged == run)


def tag(store: Path, run: str, name: str) -> None:
    """Give a run a tag; one that it has already changes nothing.

    Raises
    ------
    ConfigError
        If the name is none.
    RunError
        If another run has the tag.
    """
    check(name)
    folder = store / paths.TAGS
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, written = tempfile.mkstemp(prefix=".", dir=folder)
    place, whole = folder / name, Path(written)
    try:
        os.close(descriptor)
        whole.write_text(f"{run}\n")
        os.link(whole, place)  # fails where the tag is taken, whoever else asks for it just now
    except FileExistsError:
        if (other := _read(place)) != run:
            raise RunError(
                f"the tag {name!r} names run {other}: `forecastle unprotect {name}` takes it away first"
            ) from None
    finally:
        whole.unlink(missing_ok=True)


def untag(store: Path, name: str) -> str:
    """Take a tag away and return the id of the run that had it.

    Raises
    ------
    RunError
        If there is no such tag.
    """
    known = tags(store)
    if name not in known:
        there = f"there are: {', '.join(known)}" if known else "there are none"
        raise RunError(f"no tag {name!r} in {store}{nearest(name, known)} ({there})")
    (store / paths.TAGS / name).unlink(missing_ok=True)
    with suppress(OSError):  # other tags are left
        (store / paths.TAGS).rmdir()
    return known[name]


def check(name: str) -> None:
    """Raise ConfigError where a name is no tag: it could not be a file's, or would be taken for a run's id."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a tag begins with a letter and holds up to 64 letters, digits, '.', '_', '-'; got {name!r}")
    if name in RESERVED or _ID.fullmatch(name):
        what = "the newest run" if name in RESERVED else "the beginning of a run's id"
        raise ConfigError(f"{name!r} cannot be a tag: it means {what}")


def _names(store: Path) -> list[str]:
    try:
        return [name for name in os.listdir(store / paths.TAGS) if not name.startswith(".")]  # noqa: PTH208
    except FileNotFoundError:
        return []


def _read(path: Path) -> str:
    text = path.read_text(errors="replace").strip() if path.is_file() else ""
    if not _ID.fullmatch(text):
        raise RunError(f"{path} is damaged: a run's id wanted, got {text[:40]!r}")
    return text
