"""Another process of ours, in which rows are read and parsed while this one saves: Python runs one thread at a time.

The two say pickled things to each other, through pipes.
"""

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Any, NoReturn, Self

#: Less than so much (bytes) is read sooner than another process begins.
WORTHWHILE = 4 * 1024 * 1024


class Ended(Exception):
    """The other process is gone before its end: it was killed, or had no memory left."""


class Child:
    """The process of a module, until one leaves the `with`. Ctrl-C reaches this process alone.

    What is said or heard raises Ended, with its status, where the other is gone.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-P", "-m", module],  # -P: no module of the folder one happens to be in
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # what it did not hear any more
                pipe and pipe.close()
        self._process.wait()

    def say(self, what: object) -> None:
        """Say something to it."""
        with self._there():
            assert self._process.stdin  # noqa: S101
            say(what, self._process.stdin)

    def hear(self) -> Any:
        """What it says next."""
        with self._there():
            assert self._process.stdout  # noqa: S101
            return hear(self._process.stdout)

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, pickle.UnpicklingError, BrokenPipeError) as error:
            raise Ended(f"status {self._process.wait()}") from error


def say(what: object, pipe: IO[bytes]) -> None:
    """Say something to the other process."""
    pipe.write(pickle.dumps(what))  # whole first: a pipe takes 64 kB, so that the other half would wait for the rest
    pipe.flush()


def hear(pipe: IO[bytes]) -> Any:
    """What the other process says; EOFError where it says nothing more."""
    return pickle.load(pipe)  # noqa: S301 - only the two halves of this product talk


def serve(main: Callable[[IO[bytes], IO[bytes]], None]) -> NoReturn:
    """Be the other process, which hears from the first pipe and says to the second; leave without a word."""
    gc.disable()  # what is read goes by itself
    status = 0
    try:
        main(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        status = 1
    except (BrokenPipeError, EOFError):  # nobody is there any more
        pass
    os._exit(status)  # an end like any other would say once more what was left in the pipe, and complain
