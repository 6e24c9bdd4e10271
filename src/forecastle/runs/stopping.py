"""Stopping a sweep: Ctrl-C once finishes the jobs in progress and begins no other, twice stops now."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WAKE = signal.SIGUSR1
"""What ends a call of the system that the main thread waits in."""


class Stop:
    """What has been asked of a sweep by Ctrl-C.

    Parameters
    ----------
    told
        Called at the first one, by another thread, so that it is told at once, however busy the jobs are.

    Attributes
    ----------
    asked : bool
        True from the first one on: no further job is begun.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self.asked = False
        self._told = told

    def check(self) -> None:
        """Raise KeyboardInterrupt where no further job is to be begun."""
        if self.asked:
            raise KeyboardInterrupt

    def press(self) -> None:
        """Take note of a Ctrl-C; the second interrupts the main thread."""
        if self.asked:
            signal.pthread_kill(threading.main_thread().ident or 0, WAKE)
            return
        self.asked = True
        self._told()


@contextmanager
def stoppable(told: Callable[[], None]) -> Iterator[Stop]:
    """Listen to Ctrl-C for a block of the main thread; in another thread nothing is changed.

    A terminal sends the signal to every process of the group. The main thread blocks it for the block's time, and so
    do, from their first moment on, all processes that are started there. Whichever other thread the system chooses,
    it writes the signal to a pipe that a thread of ours reads. One that comes after the block's last `Stop.check` is
    raised at its end.

    Raises
    ------
    KeyboardInterrupt
        At the end of a block that has not met a Ctrl-C by itself.
    """
    stop = Stop(told)
    signalled: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    import pyarrow as pa

    pa.enable_signal_handlers(False)  # else Arrow takes the signal for itself while it reads a table, and the job fails
    out, into = os.pipe()
    os.set_blocking(into, False)
    wakeup = signal.set_wakeup_fd(into, warn_on_full_buffer=False)
    handlers = [(number, signal.getsignal(number)) for number in (WAKE, signal.SIGINT)]
    signal.signal(WAKE, signal.default_int_handler)
    signal.signal(signal.SIGINT, lambda number, _: signalled.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    listener = threading.Thread(target=_listen, args=(stop, out), daemon=True)
    listener.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(wakeup)
        os.close(into)
        listener.join()
        os.close(out)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers:
            signal.signal(number, handler)
    if signalled:
        raise KeyboardInterrupt


def _listen(stop: Stop, out: int) -> None:
    """Press for each SIGINT that the pipe holds, until it is closed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    while numbers := os.read(out, 64):
        for _ in range(numbers.count(signal.SIGINT)):
            stop.press()
