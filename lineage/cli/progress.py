"""How far a command has come, for whoever waits."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def progress_bar(words: str, unit: str = " rows") -> Iterator[Callable[[int, int], None]]:
    """Called with how many rows (or bytes, `B`) are done, of how many: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with tqdm(total=0, desc=words, unit=unit, unit_scale=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
