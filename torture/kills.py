"""Commands that are killed, `kill -9`, at moments all over the time that they take; then run again, or resumed."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from registry.database import open_registry
from torture.child import Child
from torture.parts import Part, table
from torture.places import Places, both
from torture.works import Work, digest_of, hub, recovered, works

_SEED = 1


@dataclass
class Outcome:
    """Where kills hit: after the command had ended, or before, with nothing, a part, or all of it in the registry."""

    seconds: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def kills(brief: bool) -> Part:
    """Kills: 9 of each command on each database (108); if `brief`, one each in registries of an eighth of the size."""
    return run(models=1_000, times=1) if brief else run(models=8_000, times=9)


def run(models: int, times: int, only: Sequence[str] = ()) -> Part:
    """Kill each of the commands (of `only` these names, if any) so often, in registries of so many models."""
    rows: list[tuple[object, ...]] = []
    failures: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # PostgreSQL runs as another user than root.
        Path(folder).chmod(0o755)
        with hub(models) as running, both(Path(folder)) as databases:
            for places in databases:
                for work in works(places, Path(folder), running.url, models):
                    if only and work.name not in only:
                        continue
                    done = _killed(work, places, times)
                    counts = [done.hits[where] for where in _WHERE]
                    rows.append((f"{work.name}, {places.name}", f"{done.seconds:.2f}", *counts))
                    failures += [f"{work.name}, {places.name}: {failure}" for failure in done.failures]
    columns = ("command", "seconds", *_WHERE)
    text = _TEXT.format(models=models, total=times * len(rows), seed=_SEED, table=table(columns, rows)).strip()
    return Part("Kills", text, tuple(failures))


_WHERE = ("nothing saved", "a part saved", "all saved", "ended before")
_TEXT = """{total} times a command of a process of its own was ended by `kill -9`, at moments drawn (seed {seed}) from
equal shares of the time that it takes undisturbed and a tenth more, in registries of {models:,} models. The registry
was opened again and checked; then the command was run again, or `crawl resume`, and the digest compared with that of
the undisturbed run (but for the time at which a version was registered). What the kill left:

{table}

What is one transaction (register, upgrade, copy) is there as a whole or not at all. A copy to a new file that is killed
leaves a folder `.lineage-*` beside it, which nothing reads and anybody may remove; one to PostgreSQL may leave tables
without content, which the next copy fills.

A power cut was not tried. SQLite is set to `synchronous=NORMAL` with a write-ahead log: SQLite waits for the disk
before a page goes from the log into the file, so that no cut can tear the file, but not after each transaction. A cut
may cost the transactions of the last moments (as a whole, latest first); a kill costs none of those that ended, as the
system holds what was written. It is so because all content can be brought in again: a crawl goes on from an earlier
page, an import is repeated. What people did (`register`, `alias`, `tag`, `note`) they would have to do again.
PostgreSQL waits for its disk at each commit, unless its own settings say otherwise.
"""


def _killed(work: Work, places: Places, times: int) -> Outcome:
    outcome, chance = Outcome(), Random(f"{_SEED} {work.name} {places.name}")
    # Twice, since the first time takes longer than any after it.
    for whole in (work.placed(places), work.placed(places)):
        outcome.seconds = Child(work.arguments(whole)).end()
    open_registry(empty := places.none(), create=True).dispose()
    end, nothing = digest_of(whole), {digest_of(work.placed(places)), digest_of(empty)}
    for number in range(times):
        db = work.placed(places)
        moment = outcome.seconds * 1.1 * (number + chance.random()) / times
        child = Child(work.arguments(db))
        ended = child.kill(moment)
        if child.left_over():
            outcome.failures.append("a process was left behind")
        left = digest_of(db)
        where = _WHERE[3] if ended else _WHERE[2] if left == end else _WHERE[0] if left in nothing else _WHERE[1]
        outcome.hits[where] += 1
        outcome.failures += [f"killed after {moment:.2f} s: {wrong}" for wrong in recovered(work, db, end)]
        places.remove(db)
    return outcome
