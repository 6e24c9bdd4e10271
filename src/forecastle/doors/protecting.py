"""`forecastle protect`, `unprotect` and `restore`: which runs stay as they are, and weights that are wanted again."""

from __future__ import annotations

import os
from collections.abc import Sequence

from forecastle import logs
from forecastle.errors import ConfigError, RunError
from forecastle.runs.claim import claim
from forecastle.runs.store import located
from forecastle.runs.tags import check, tag, tags, tags_of, untag


def protect(words: Sequence[str]) -> int:
    """Give a run a tag: ``RUN --tag NAME``.

    Raises
    ------
    ConfigError
        If the words are others, or the name is no tag.
    RunError
        If there is no such run, it has no weights to protect, or another run has the tag.
    """
    plain = [each for word in words for each in (word.split("=", 1) if word.startswith("--tag=") else [word])]
    if len(plain) != 3 or plain[1] != "--tag":
        raise ConfigError(f"usage: forecastle protect RUN --tag NAME; got {' '.join(words) or 'no argument'}")
    run, _, name = plain
    check(name)
    from forecastle.reopening import check_weights

    store, word = located(run)
    found = store.get(word)
    with claim(store.folder, found.id, wait=True):  # whoever computes it anew just now is waited for
        check_weights(found, "there is nothing to protect")
        tag(store.folder, found.id, name)
    print(f"run {found.id} is protected: {', '.join(tags_of(store.folder, found.id))}")
    return 0


def unprotect(words: Sequence[str]) -> int:
    """Take a tag away, or all tags of a run: ``RUN|TAG``.

    Raises
    ------
    ConfigError
        If the words are others.
    RunError
        If there is no such run, or it has no tag.
    """
    if len(words) != 1:
        raise ConfigError(f"usage: forecastle unprotect RUN|TAG; got {' '.join(words) or 'no argument'}")
    store, word = located(words[0])
    known = tags(store.folder)
    run = known[word] if word in known else store.get(word).id
    taken = [word] if word in known else list(tags_of(store.folder, run))
    if not taken:
        raise RunError(f"run {run} is not protected: it has no tag")
    for name in taken:
        untag(store.folder, name)
    left = ", ".join(tags_of(store.folder, run))
    state = f"it is protected still: {left}" if left else "it is protected no more"
    print(f"run {run}: {', '.join(taken)} taken away; {state}")
    return 0


def restore(words: Sequence[str]) -> int:
    """Fit a run again that has no weights, or damaged ones, and keep them: ``RUN``.

    Raises
    ------
    ConfigError
        If the words are others.
    RunError
        If there is no such run, it is another one today, or its scores come out otherwise.
    """
    if len(words) != 1:
        raise ConfigError(f"usage: forecastle restore RUN; got {' '.join(words) or 'no argument'}")
    from forecastle.reopening import lacking
    from forecastle.reopening import restore as fit_again

    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store, word = located(words[0])
    found = store.get(word)
    there = lacking(found) is None
    fit_again(found, store)
    told = "its weights are there: nothing was computed" if there else "its weights are restored, every score the same"
    print(f"run {found.id}: {told}")
    return 0
