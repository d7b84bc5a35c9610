"""How far a command has come, for whoever waits."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def rows_bar(words: str) -> Iterator[Callable[[int, int], None]]:
    """Called with the rows that are done, and with how many there are: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with tqdm(total=0, desc=words, unit=" rows", unit_scale=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
