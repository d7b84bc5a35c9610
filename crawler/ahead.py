"""Read a file in a process of its own: a batch of rows is read and parsed while the one before it is saved.

Reading and parsing take as long as saving.
"""

from collections.abc import Collection, Iterator
from typing import IO

from crawler.child import WORTHWHILE, Child, Ended, hear, say, serve
from crawler.dumps import Dump
from crawler.raw import DumpError
from crawler.reading import Batch, Read, read_batches
from registry.fingerprints import Fingerprints, Known


def read_ahead(dump: Dump, known: Fingerprints) -> Iterator[Batch]:
    """The batches of a file as `read_batches` makes them; `dump.position` goes along."""
    if dump.path.stat().st_size < WORTHWHILE:
        yield from read_batches(dump, Known(known))
        return
    with Child("crawler.ahead") as reader:
        try:
            yield from _batches(dump, known, reader)
        except Ended as error:
            raise DumpError(
                f"reading {dump.path} ended early ({error}): is there memory left? then import it again; what came "
                "before is saved"
            ) from error


def _batches(dump: Dump, known: Fingerprints, reader: Child) -> Iterator[Batch]:
    def reread(wanted: Collection[bytes]) -> Read:
        reader.say(wanted)
        return reader.hear() if wanted else ([], [])

    reader.say((dump.path, known))
    while (told := reader.hear()) is not None:
        if isinstance(told, DumpError):
            raise told
        dump.position, dump.size, size, records, loose, again = told
        yield Batch(reread, size, records, loose, again)


def main(words: IO[bytes], answers: IO[bytes]) -> None:
    """Be the other process."""
    path, fingerprints = hear(words)
    dump, known = Dump(path), Known(fingerprints)
    del fingerprints  # of 3.1 million models, 74 MB
    before: Batch | None = None
    end: DumpError | None = None
    try:
        for batch in read_batches(dump, known):
            _answer(before, words, answers)
            say((dump.position, dump.size, batch.size, batch.records, batch.loose, batch.again), answers)
            before = batch
    except DumpError as error:
        end = error
    _answer(before, words, answers)
    say(end, answers)


def _answer(batch: Batch | None, words: IO[bytes], answers: IO[bytes]) -> None:
    """Wait until a batch is looked at, and read again what is wanted of it."""
    wanted = batch and hear(words)
    if batch and wanted:
        say(batch.reread(wanted), answers)


if __name__ == "__main__":
    serve(main)
