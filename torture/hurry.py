"""Crawls that wait for nothing: a clock that jumps over each pause, and a client that gives up on silence soon."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from unittest import mock

import httpx2

#: Seconds of silence after which the client gives up, instead of a minute.
PATIENCE = 0.5


class Clock:
    """The machine's clock, and ahead of it by all that somebody waited for."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = Lock()

    def monotonic(self) -> float:
        """Seconds, as `time.monotonic` has them."""
        return time.monotonic() + self._ahead

    def skip(self, seconds: float) -> None:
        """Be so much later."""
        with self._lock:
            self._ahead += seconds


@contextmanager
def hurried() -> Iterator[Clock]:
    """Let all pauses of crawls pass at once, by the clock that this yields."""
    clock = Clock()

    class Skipped(Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock.skip(timeout or 0)
            return self.is_set()

    with mock.patch.multiple("crawler.hub", time=clock, Event=Skipped, _TIMEOUT=httpx2.Timeout(PATIENCE, connect=15.0)):
        yield clock
