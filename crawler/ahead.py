"""Read a file in a process of its own: a batch of rows is read and parsed while the one before it is saved.

Python runs one thread at a time, and reading and parsing are a third of an import's work.
"""

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from crawler.dumps import Dump
from crawler.raw import DumpError
from crawler.reading import Batch, Read, read_batches
from registry.fingerprints import Fingerprints
from registry.records import ModelRecord

#: A smaller file (bytes) is read sooner than another process begins.
_WORTHWHILE = 4 * 1024 * 1024


def read_ahead(dump: Dump, known: Fingerprints) -> Iterator[Batch]:
    """The batches of a file as `read_batches` makes them; `dump.position` goes along."""
    if dump.path.stat().st_size < _WORTHWHILE:
        yield from read_batches(dump, known)
        return
    with _reader(dump) as (words, answers):

        def reread(wanted: Collection[bytes]) -> Read:
            _say(wanted, words)
            return _hear(answers) if wanted else ([], [])

        _say((dump.path, known), words)
        while (told := _hear(answers)) is not None:
            if isinstance(told, DumpError):
                raise told
            dump.position, dump.size, size, columns, loose, again = told
            yield Batch(reread, size, list(map(ModelRecord._make, zip(*columns, strict=True))), loose, again)


def _say(what: object, pipe: IO[bytes]) -> None:
    pipe.write(pickle.dumps(what))  # whole first: a pipe takes 64 kB, so that the other half would wait for the rest
    pipe.flush()


def _hear(pipe: IO[bytes]) -> Any:
    return pickle.load(pipe)  # noqa: S301 - only the two halves of this file talk


@contextmanager
def _reader(dump: Dump) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The other process: the pipe to it, and the one from it. Ctrl-C reaches this one alone."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "crawler.ahead"],  # -P: no module of the folder one happens to be in
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as reader:
        assert reader.stdin and reader.stdout  # noqa: S101, PT018
        try:
            yield reader.stdin, reader.stdout
        except (EOFError, pickle.UnpicklingError, BrokenPipeError) as error:
            raise DumpError(
                f"reading {dump.path} ended early (status {reader.wait()}): is there memory left? then import it "
                "again; what came before is saved"
            ) from error
        finally:
            reader.kill()
            with suppress(BrokenPipeError):  # what it did not hear any more
                reader.stdin.close()


def main(words: IO[bytes], answers: IO[bytes]) -> None:
    """Be the other process."""
    gc.disable()  # a batch goes by itself
    path, known = _hear(words)
    dump = Dump(path)
    before: Batch | None = None
    end: DumpError | None = None
    try:
        for batch in read_batches(dump, known):
            _answer(before, words, answers)
            # By columns, records take half the time to cross.
            columns = list(zip(*batch.records, strict=True))
            _say((dump.position, dump.size, batch.size, columns, batch.loose, batch.again), answers)
            before = batch
    except DumpError as error:
        end = error
    _answer(before, words, answers)
    _say(end, answers)


def _answer(batch: Batch | None, words: IO[bytes], answers: IO[bytes]) -> None:
    """Wait until a batch is looked at, and read again what is wanted of it."""
    wanted = batch and _hear(words)
    if batch and wanted:
        _say(batch.reread(wanted), answers)


if __name__ == "__main__":
    with suppress(BrokenPipeError, EOFError):  # the import was stopped
        main(sys.stdin.buffer, sys.stdout.buffer)
