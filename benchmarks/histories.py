"""How fast a registry tells what changed and what was so on a day, and records a team's own model."""

import hashlib
import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, select

from benchmarks.imports import FIRST, LATER
from benchmarks.measures import Row, alone, median, ran, timed
from lineage.audit import ANY, audit
from lineage.changes import changes, history
from lineage.compare import compare
from lineage.selection import Selection
from registry.as_of import as_of
from registry.database import open_registry, reading
from registry.tables import MODELS, PAST

#: A family of tens of thousands at the size of the whole Hub: one of its eight hubs.
_HUB = "synthetic-hub/base-8"
#: Bytes of weights in a model folder that is registered.
_WEIGHTS = 512 * 2**20


def histories(engine: Engine, before: Path | None, folder: Path) -> Iterator[Row]:
    """What changed in a week and in one model, the answers of the day before it, a comparison with the registry of
    then (`before`, where there is one), and registering a folder."""
    url = engine.url.render_as_string(hide_password=False)
    seconds, memory, found = alone(partial(since, url))
    yield Row(f"`diff --since`: {found:,} changes of a week", f"{seconds:.1f} s, {memory:,.0f} MB")
    if before is not None:
        seconds, memory, found = alone(partial(between, str(before), url))
        yield Row(f"`diff OLD NEW` of two registries: {found:,} changes", f"{seconds:.1f} s, {memory:,.0f} MB")
    with reading(engine) as connection:
        joined = select(MODELS.c.repo_id).join(PAST, PAST.c.model_key == MODELS.c.key)
        changed = connection.scalars(joined.limit(1)).one()
    yield Row("`history` of a model that changed", f"{median(partial(history, engine, changed)) * 1e3:.1f} ms")
    now, _, members = alone(partial(family, url, None))
    then, memory, _ = alone(partial(family, url, FIRST))
    yield Row(
        f"`audit --family` of {members:,} models as of a week before",
        f"{then:.1f} s, {memory:,.0f} MB",
        f"{then / now:.1f} × that of today ({now:.1f} s)",
    )
    one = median(partial(one_as_of, engine, changed))
    yield Row("`license --as-of` of one model, without its start", f"{one * 1e3:,.0f} ms")
    yield from _registered(url, folder)


def since(url: str) -> int:
    """Tell all changes of the last week; returns how many there are."""
    return sum(changes(open_registry(url), FIRST, limit=20).counts.values())


def between(old: str, new: str) -> int:
    """Compare two registries; returns how many changes there are."""
    return sum(compare(open_registry(old), open_registry(new), limit=20).counts.values())


def family(url: str, day: str | None) -> int:
    """Audit a family, as of a day or today; returns how many models were audited."""
    engine, selection = open_registry(url), Selection(families=(_HUB,))
    if day is None:
        return audit(engine, selection, claim=ANY, limit=20).summary.audited
    with as_of(engine, day, (), (_HUB,)) as then:
        return audit(then, selection, claim=ANY, limit=20).summary.audited


def one_as_of(engine: Engine, model: str) -> None:
    """Make the registry of a day that one model needs."""
    with as_of(engine, LATER, (model,)):
        pass


def _registered(url: str, folder: Path) -> Iterator[Row]:
    """Register a folder, beside the hash of its bytes alone."""
    model = folder / "own-model"
    model.mkdir()
    header = json.dumps({"w": {"dtype": "U8", "shape": [_WEIGHTS], "data_offsets": [0, _WEIGHTS]}}).encode()
    with (model / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + _WEIGHTS)
    (model / "README.md").write_text(f"---\nlicense: mit\nbase_model: {_HUB}\n---\n", encoding="utf-8")
    weights = model / "model.safetensors"
    hashing = timed(lambda: hashlib.file_digest(weights.open("rb"), "sha256"))[0]
    importing = ran("-c", "import lineage.cli.register")
    # As a command, at its first time: later ones find the version.
    command = ("-m", "lineage", "register", os.fspath(model), "--name", "bench/own")
    seconds = ran(*command, LINEAGE_DB=url, times=1)
    yield Row(
        f"`register` of a folder with {_WEIGHTS // 2**20} MiB of weights, whole process",
        f"{seconds:.1f} s",
        f"{seconds / (hashing + importing):.2f} × bare SHA-256 ({hashing:.1f} s) and imports ({importing:.1f} s)",
    )
