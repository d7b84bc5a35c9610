"""Read pages of the Hub in a process of its own, while those before them are saved."""

from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import IO, Any, Self

from crawler.child import WORTHWHILE, Child, Ended, hear, say, serve
from crawler.reading import ReadPages
from registry.records import Defect, Records


class PageReader:
    """ReadPages in two processes, until one leaves the `with`: the first megabytes here, what follows there.

    Called by one thread at a time. CrawlError where the other process is gone, and with it what was not taken: a crawl
    that goes on asks for those pages again.
    """

    def __init__(self) -> None:
        self._size = 0
        self._here = ReadPages()
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

    def read(self, content: bytes) -> object:
        """What a page says, as `ReadPages` has it."""
        self._size += len(content)
        with self._lock:
            if self._child is None and self._size > WORTHWHILE and not self._closed:
                with suppress(OSError):  # no process to be had: then this one reads
                    self._child = Child("crawler.pages")
            child = self._child
            child = self._child
        return self._here.read(content) if child is None else _asked(child, "read", content)

    def oldest(self) -> str | None:
        """The oldest change of a model of the page that was read last."""
        with self._lock:
            child = self._child
        return self._here.oldest() if child is None else _asked(child, "oldest")

    def take(self, pages: int) -> tuple[Records, list[Defect]]:
        """What so many pages say, the first that were not taken yet."""
        here = min(pages, len(self._here))
        records, loose = self._here.take(here)
        if here < pages:
            with self._lock:
                child = self._child
            others, unread = _asked(child, "take", pages - here)
            records, loose = Records.joined([records, others]), loose + unread
        return records, loose


def _asked(reader: Child | None, method: str, *arguments: object) -> Any:
    """What the other process answers by this method of its ReadPages."""
    from crawler.answers import LATER, CrawlError  # noqa: PLC0415 - 0.4 s that the other process must not pay

    if reader is None:
        raise CrawlError("the crawl was ended")
    try:
        reader.say((method, *arguments))
        told = reader.hear()
    except Ended as error:
        raise CrawlError(f"reading pages ended early ({error}): is there memory left? then {LATER}") from error
    if isinstance(told, ValueError):
        raise told
    return told


def main(words: IO[bytes], answers: IO[bytes]) -> None:
    """Be the other process."""
    pages = ReadPages()
    while True:
        method, *arguments = hear(words)
        try:
            told = getattr(pages, method)(*arguments)
        except ValueError as error:
            told = ValueError(str(error))
        say(told, answers)
        pages.parse()  # while the next page is asked for


if __name__ == "__main__":
    serve(main)
