"""How fast the licence claims of a whole registry are judged: in one pass, and by a walk from each model."""

import random
from collections.abc import Iterator
from functools import partial
from time import perf_counter

from sqlalchemy import Engine

from benchmarks.measures import Row, allowance, alone, goal
from lineage.ancestry import read_ancestry
from lineage.audit import ANY, audit
from lineage.claims import Claims
from lineage.inheritance import judge_ancestry
from lineage.selection import Selection
from lineage.verdicts import Verdicts
from registry.bulk import everything
from registry.database import open_registry, reading

_SAMPLE = 2_000


def judged(engine: Engine) -> Iterator[Row]:
    """A verdict for every model, in one pass and by a walk from each; and whole audits."""
    url = engine.url.render_as_string(hide_password=False)
    most = 8 * allowance(engine)
    passing, _, models = alone(partial(one_pass, url))
    _, _, walking = alone(partial(walks, url))
    times = walking * models / passing
    yield Row(
        f"a verdict for each of {models:,} models, in one pass",
        f"{passing:.1f} s",
        f"a walk from each ({walking * models:,.0f} s, by a sample) takes {times:,.0f} ×",
        goal("≥ 100 ×", times >= 100),
    )
    for words, claim in (("`audit --all`", "apache-2.0"), ("`audit --all --claim any`", ANY)):
        seconds, memory, audited = alone(partial(audits, url, claim))
        yield Row(
            f"{words} ({audited:,} models)",
            f"{seconds:.1f} s, {memory:,.0f} MB",
            "",
            goal(f"≤ {most} s, ≤ 1.5 GB", seconds <= most and memory <= 1_500),
        )


def one_pass(url: str) -> int:
    """Judge all models of a registry; returns how many there are."""
    with reading(open_registry(url)) as connection:
        columns = everything(connection)
        return len(Verdicts(columns, Claims(columns)).case)


def walks(url: str) -> float:
    """Seconds that a walk takes, for a random model."""
    with reading(open_registry(url)) as connection:
        keys = everything(connection).keys.tolist()
        sample = random.Random(1).sample(keys, min(_SAMPLE, len(keys)))
        start = perf_counter()
        for key in sample:
            judge_ancestry(read_ancestry(connection, key))
        return (perf_counter() - start) / len(sample)


def audits(url: str, claim: str) -> int:
    """Audit a whole registry as the command does; returns how many models were audited."""
    return audit(open_registry(url), Selection(), claim=claim, limit=20).summary.audited
