"""The registry with its verdicts as a folder of Parquet tables, for DuckDB, polars, Spark and others."""

import json
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Engine, func, select

from lineage.claims import Claims
from lineage.dictionary import VERDICTS, readme
from lineage.licenses.catalogue import catalogue
from lineage.policy import Policy
from lineage.rules import RULES
from lineage.verdicts import Case, Verdicts
from registry.bulk import everything
from registry.copy import Progress
from registry.database import reading
from registry.exchange import BATCH, FORMAT, MANIFEST, batches, exchanged
from registry.parquet import pyarrow, write
from registry.read import data_date
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
    with reading(engine) as connection, _written(folder) as draft:
        draft.mkdir()
        counts = _write_tables(connection, draft, progress)
        manifest = _manifest(connection, counts)
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        (draft / "README.md").write_text(readme(manifest["data_date"], counts), encoding="utf-8")
    return counts


@contextmanager
def _written(folder: Path) -> Iterator[Path]:
    """The path of a folder to be made, that is put in the place of `folder` when it is whole."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".lineage-", dir=folder.parent) as place:
            yield (draft := Path(place) / folder.name)
            if folder.exists():
                folder.rmdir()
            draft.rename(folder)
    except OSError as error:
        raise RegistryError(f"cannot write {folder} ({error.strerror or error}): name another folder") from error


def verdict_rows(connection: Connection) -> Iterator[Row]:
    """A row of `VERDICTS` for each model that an audit of the whole registry looks at, whatever its claim."""
    columns = everything(connection)
    verdicts = Verdicts(columns, Claims(columns))
    told = [_told(case) for case in verdicts.cases]
    present = np.array([said.state not in _ABSENT for said in columns.sayings], np.bool_)
    places = np.flatnonzero(present[columns.said])
    for at in range(0, len(places), BATCH):
        page = places[at : at + BATCH]
        cases = [told[number] for number in verdicts.case[page].tolist()]
        causes = [[verdicts.reach.models(place)[n] for n in case.causes] if case.causes else ()
                  for place, case in zip(page.tolist(), cases, strict=True)]  # fmt: skip
        above = np.unique(np.array([place for models in causes for place in models], np.int64))
        named = dict(zip(above.tolist(), columns.ids(above), strict=True))
        for id, case, models in zip(columns.ids(page), cases, causes, strict=True):
            yield id, *case.said, tuple(sorted({named[place] for place in models}))


class _Told(NamedTuple):
    """What is said of all models of a case, but for the model itself; and the positions of its causes in what reaches
    them."""

    said: Row
    causes: tuple[int, ...]


def _told(case: Case) -> _Told:
    policy = Policy()
    grade, verdict = policy.overall(case.judgements)
    held = [judgement for judgement in case.judgements if policy.weight(RULES[judgement.rule]) != "pass"]
    inherited = tuple(sorted(set(case.shape.licenses)))
    rules = tuple(sorted({judgement.rule for judgement in held}))
    causes = tuple(sorted({j.key for j in held if j.verdict == verdict and j.key is not None}))
    return _Told((grade, verdict.word, case.label.text, case.effective, inherited, rules), causes)


def _write_tables(connection: Connection, folder: Path, progress: Progress) -> dict[str, int]:
    listed = select(func.count()).select_from(MODELS).where(MODELS.c.state.not_in(_ABSENT))
    total = connection.scalar(listed) or 0
    total += sum(connection.scalar(select(func.count()).select_from(what.table)) or 0 for what in exchanged())
    tables = [(what.name, what.fields, batches(connection, what)) for what in exchanged()]
    tables.append(("verdicts", tuple(VERDICTS), _batched(verdict_rows(connection))))
    counts: dict[str, int] = {}
    for name, fields, rows in tables:
        before = sum(counts.values())
        with closing(rows):  # while the connection is open, whatever happens
            for done in write(folder / name, fields, rows):
                counts[name] = done
                progress(before + done, total)
    return counts


def _batched(rows: Iterator[Row]) -> Generator[Sequence[Row], None, None]:
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
