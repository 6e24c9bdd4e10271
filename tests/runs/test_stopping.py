"""Listening to Ctrl-C for a block: none is lost, whenever it comes."""

from __future__ import annotations

import os
import signal

import pytest

from forecastle.runs.stopping import stoppable


def test_one_that_comes_after_the_last_check_is_raised_at_the_end() -> None:
    ends: list[str] = []

    def late() -> None:
        with stoppable(lambda: None) as stop:
            stop.check()
            os.kill(os.getpid(), signal.SIGINT)
            ends.append("the block was not cut short")

    with pytest.raises(KeyboardInterrupt):
        late()
    assert ends


def test_a_block_inside_another_has_its_own_and_gives_back_what_was() -> None:
    before = signal.getsignal(signal.SIGINT)

    def pressed() -> None:
        with stoppable(lambda: None) as inner:
            os.kill(os.getpid(), signal.SIGINT)
            while True:
                inner.check()

    with stoppable(lambda: None) as outer:
        with pytest.raises(KeyboardInterrupt):
            pressed()
        outer.check()
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
