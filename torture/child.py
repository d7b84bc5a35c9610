"""A `lineage` command in a process of its own, which can be killed. It is forked from one that has imported all."""

import os
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from tests.crawler.crawls import TOKEN

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "alembic.command",
        "alembic.config",
        "crawler.crawl",
        "crawler.load",
        "lineage.cli.crawl",
        "lineage.cli.db",
        "lineage.cli.load",
        "lineage.cli.main",
        "lineage.cli.register",
        "psycopg",
        "sqlalchemy.dialects.postgresql",
        "torture.child",
    ]
)


class Child:
    """A command that runs from now on."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = _FORKS.Process(target=_command, args=(list(arguments),))
        self._process.start()
        self._began = time.monotonic()

    def end(self) -> float:
        """Wait until it has done its work; the seconds that it took."""
        self._process.join()
        if self._process.exitcode != 0:
            raise RuntimeError("a command that nobody disturbed failed")
        return time.monotonic() - self._began

    def kill(self, seconds: float) -> bool:
        """Kill it when it ran for so many seconds; whether it had ended before."""
        self._process.join(max(0.0, self._began + seconds - time.monotonic()))
        ended = self._process.exitcode is not None
        self._process.kill()
        self._process.join()
        return ended

    def left_over(self, patience: float = 5.0) -> bool:
        """Whether a process that it began outlives it by some seconds."""
        end = time.monotonic() + patience
        while _in_session(self._process.pid):
            if time.monotonic() > end:
                return True
            time.sleep(0.05)
        return False


def _command(arguments: list[str]) -> None:
    from lineage.cli.main import main  # noqa: PLC0415 - who starts it need not have it

    os.setsid()
    os.environ["HF_TOKEN"] = TOKEN
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    main(arguments, prog_name="lineage")


def _in_session(session: int | None) -> bool:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now
            continue
        if fields[3] == str(session) and fields[0] not in "ZX":
            return True
    return False
