"""Listening to Ctrl-C for a block: none is lost, whenever it comes."""

from __future__ import annotations

import io
import os
import signal
import time

import pyarrow as pa
import pyarrow.csv
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


class _PressedWhileRead(io.BytesIO):
    """A file at whose first reading somebody presses Ctrl-C."""

    pressed = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.pressed:
            self.pressed = True
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)  # so that whoever listens has heard it
        return super().read(size)


def test_a_table_that_is_being_read_is_read_to_its_end() -> None:
    pa.enable_signal_handlers(True)

    def pressed() -> None:
        with stoppable(lambda: None) as stop:
            assert pyarrow.csv.read_csv(_PressedWhileRead(b"close\n1.5\n")).num_rows == 1
            assert stop.asked
            stop.check()

    with pytest.raises(KeyboardInterrupt):
        pressed()
