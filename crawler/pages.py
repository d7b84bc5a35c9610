"""Read pages of the Hub in a process of its own, while those before them are saved."""

from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import IO, Self

from crawler.child import WORTHWHILE, Child, Ended, hear, say, serve
from crawler.reading import read_body


class PageReader:
    """Reads pages as `read_body` does, until one leaves the `with`: the first megabytes here, what follows there.

    Called by one thread at a time.
    """

    def __init__(self) -> None:
        self._size = 0
        self._child: Child | None = None
        self._closed = False
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:  # a page may be on its way still
            child, self._child, self._closed = self._child, None, True
        if child:
            child.close()

    def __call__(self, content: bytes) -> object:
        """What a page says; CrawlError where the other process is gone."""
        self._size += len(content)
        with self._lock:
            if self._child is None and self._size > WORTHWHILE and not self._closed:
                with suppress(OSError):  # no process to be had: then this one reads
                    self._child = Child("crawler.pages")
            child = self._child
        return read_body(content) if child is None else _asked(child, content)


def _asked(reader: Child, content: bytes) -> object:
    try:
        reader.say(content)
        told = reader.hear()
    except Ended as error:
        from crawler.answers import LATER, CrawlError  # noqa: PLC0415 - 0.4 s that the other process must not pay

        raise CrawlError(f"reading pages ended early ({error}): is there memory left? then {LATER}") from error
    if isinstance(told, ValueError):
        raise told
    return told


def main(words: IO[bytes], answers: IO[bytes]) -> None:
    """Be the other process."""
    while True:
        try:
            read = read_body(hear(words))
        except ValueError as error:
            read = ValueError(str(error))
        say(read, answers)


if __name__ == "__main__":
    serve(main)
