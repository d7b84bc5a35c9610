"""How fast the licence claims of a whole registry are judged, as ratios to a bare read and to a walk a model."""

import random
import sqlite3
from collections.abc import Iterator

from sqlalchemy import Engine

from benchmarks.measures import Row, peak_memory, timed
from lineage.ancestry import read_ancestry
from lineage.audit import ANY, audit
from lineage.claims import Claims
from lineage.inheritance import judge_ancestry
from lineage.selection import Selection
from lineage.verdicts import Verdicts
from registry.bulk import everything
from registry.database import reading

_SAMPLE = 2_000


def judged(engine: Engine) -> Iterator[Row]:
    """A verdict for every model, in one pass and by a walk from each."""
    with reading(engine) as connection:
        seconds, columns = timed(lambda: everything(connection))
        floor, _ = timed(lambda: bare_read(engine))
        yield (
            f"reading all {len(columns.keys):,} models and {len(columns.child):,} edges",
            f"{seconds:.2f} s",
            f"{seconds / floor:.1f} × bare read",
        )
        passing, _ = timed(lambda: Verdicts(columns, Claims(columns)))
        sample = random.Random(1).sample(columns.keys.tolist(), min(_SAMPLE, len(columns.keys)))
        walking, _ = timed(lambda: [judge_ancestry(read_ancestry(connection, key)) for key in sample])
    walks = walking * len(columns.keys) / len(sample)
    whole = seconds + passing
    yield (
        "a verdict for each of them, in one pass",
        f"{whole:.2f} s",
        f"a walk a model ({walks:,.0f} s) takes {walks / whole:.0f} ×",
    )
    claims, found = timed(lambda: audit(engine, Selection(), limit=20))
    yield (
        f"`audit --all` ({found.summary.audited:,} claims of Apache-2.0)",
        f"{claims:.2f} s",
        f"{claims / floor:.1f} × bare read",
    )
    every, _ = timed(lambda: audit(engine, Selection(), claim=ANY, limit=20))
    yield "`audit --all --claim any`", f"{every:.2f} s", f"{every / floor:.1f} × bare read"
    yield "peak memory, all measured so far", f"{peak_memory():,.0f} MB", ""


def bare_read(engine: Engine) -> int:
    """The same columns of the same rows, by bare sqlite3."""
    connection = sqlite3.connect(str(engine.url.database))
    columns = "key, repo_id, state, author, licenses, license_name, downloads, created_at, license_link, tools"
    models = connection.execute(f"SELECT {columns} FROM models").fetchall()
    return len(models) + len(connection.execute("SELECT child_key, parent_key, relation FROM derivations").fetchall())
