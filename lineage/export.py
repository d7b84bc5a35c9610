"""The registry with its verdicts as a folder of Parquet tables, for DuckDB, polars, Spark and others."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from lineage.dictionary import VERDICTS, readme
from lineage.inheritance import effective
from lineage.judgement import Judgement, grade_of
from lineage.licenses.catalogue import catalogue
from lineage.policy import Policy
from lineage.rules import RULES, Verdict
from lineage.verdicts import Verdicts
from registry.copy import Progress
from registry.database import reading
from registry.exchange import BATCH, FORMAT, MANIFEST, batches, exchanged
from registry.parquet import pyarrow, write
from registry.read import data_date, everything
from registry.records import RegistryError, State
from registry.tables import MODELS
from registry.transfer import digest

#: Of these an audit says nothing either: they are not on the Hub.
_ABSENT = (State.PLACEHOLDER, State.GONE)

Row = Sequence[Any]


def export(engine: Engine, folder: Path, progress: Progress) -> dict[str, int]:
    """Write a registry, as it is at this moment, to a new folder; returns the number of rows by table.

    The folder is there when it is whole. Raises RegistryError where it holds something already, or pyarrow is missing.
    """
    pyarrow()
    folder = folder.resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RegistryError(f"{folder} is there already: name a new folder, or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with reading(engine) as connection, tempfile.TemporaryDirectory(prefix=".lineage-", dir=folder.parent) as place:
        draft = Path(place) / folder.name
        draft.mkdir()
        counts = _write_tables(connection, draft, progress)
        manifest = _manifest(connection, counts)
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        (draft / "README.md").write_text(readme(manifest["data_date"], counts), encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    return counts


def verdict_rows(connection: Connection) -> Iterator[Row]:
    """A row of `VERDICTS` for each model that an audit of the whole registry looks at, whatever its claim."""
    steps, briefs = everything(connection)
    verdicts = Verdicts(steps, briefs)

    @cache  # most models have the same said of them as many others
    def told(judgements: tuple[Judgement, ...]) -> Row:
        weighed = [(judgement, Policy().weight(RULES[judgement.rule])) for judgement in judgements]
        grade = grade_of(weight for _, weight in weighed)
        verdict = max((j.verdict for j, weight in weighed if weight == grade), default=Verdict.OK)
        held = [judgement for judgement, weight in weighed if weight != "pass"]
        causes = {briefs[j.key].id for j in held if j.verdict == verdict and j.key is not None}
        return grade, verdict.word, tuple(sorted({j.rule for j in held})), tuple(sorted(causes))

    for key in sorted(briefs):
        if briefs[key].state not in _ABSENT:
            label = verdicts.labels[key]
            inherited = tuple(sorted({license for license, _ in verdicts.brought(key)}))
            licenses = effective(label, inherited, unknown=bool(verdicts.opaque_above(key)))
            grade, verdict, rules, causes = told(verdicts.judgements(key))
            yield briefs[key].id, grade, verdict, label.text, licenses, inherited, rules, causes


def _write_tables(connection: Connection, folder: Path, progress: Progress) -> dict[str, int]:
    listed = select(func.count()).select_from(MODELS).where(MODELS.c.state.not_in(_ABSENT))
    total = connection.scalar(listed) or 0
    total += sum(connection.scalar(select(func.count()).select_from(what.table)) or 0 for what in exchanged())
    tables = [(what.name, what.fields, batches(connection, what)) for what in exchanged()]
    tables.append(("verdicts", tuple(VERDICTS), _batched(verdict_rows(connection))))
    counts: dict[str, int] = {}
    for name, fields, rows in tables:
        before = sum(counts.values())
        for done in write(folder / name, fields, rows):
            counts[name] = done
            progress(before + done, total)
    return counts


def _batched(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _manifest(connection: Connection, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "product": f"finetune-lineage {version('finetune-lineage')}",
        "data_date": data_date(connection),
        "catalogue": catalogue().version,
        "digest": digest(connection),
        "tables": {name: {"rows": rows} for name, rows in counts.items()},
    }
