"""The registry as it was on a day, as a registry of its own: then every question can be asked of it.

It holds what sights until then said: of the models that a question is about, or of all. Names are led to models anew,
by what was known then. What is not followed (downloads, likes, the sha) is as it is now.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, bindparam, func, literal, select, union_all, update
from sqlmodel import SQLModel

from registry.database import connect, reading
from registry.ever import Ever
from registry.insert import insert_rows, keys_of
from registry.names import UnknownModel, could_mean, find_model, owned_by
from registry.read import labels
from registry.records import Defect, ModelRecord, RegistryError, State
from registry.resolve import resolve_names
from registry.runs import begin_run, end_run, save_position
from registry.sights import MODEL_FACTS
from registry.spans import FOLLOWED, ITSELF, SELF, Span, all_spans, save_spans
from registry.tables import MODELS, NAMES, PAST, RUNS, SIGHTS, VERSIONS, among
from registry.versions import names_at
from registry.write import Saved, save_page, writing

#: Models that are read and saved together.
_PAGE = 20_000
_LISTS = {"licenses", "datasets", "tools"}


@contextmanager
def as_of(
    engine: Engine,
    day: str,
    about: Sequence[str] | None = None,
    below: Sequence[str] = (),
    maybe: Sequence[str] = (),
) -> Iterator[Engine]:
    """The registry as it was at the end of a day (`2026-08-22`), or at a time (`2026-08-22T14:00:00Z`).

    It holds the models that `about` names (as in `find_roots`), those that `maybe` names, which may mean none, all
    below those that `below` names, and all above any of these; without `about` all models. Raises RegistryError where
    the registry has no data from before, UnknownModel where a name means no model, or one that was not known by then.
    """
    time = end_of(day)
    with tempfile.TemporaryDirectory(prefix="lineage-") as folder, reading(engine) as connection:
        run = _last_run(connection, time)
        wanted = None
        if about is not None:
            ever = Ever(connection)
            named = _named(connection, about, time) | _maybe(connection, maybe, time)
            # What nobody had seen yet is there where another names it.
            roots = _named(connection, below, time) | _unseen(connection, named, time)
            wanted = ever.above(ever.below(roots) | named)
        there = connect(URL.create("sqlite", database=str(Path(folder) / "then.db")))
        SQLModel.metadata.create_all(there)
        try:
            with writing(there) as target:
                _fill(connection, target, wanted, time)
                key = begin_run(target, *run)
                save_position(target, key, Saved(models=1))
                end_run(target, key)
            yield there
        finally:
            there.dispose()


def end_of(day: str) -> str:
    """The last second of a day (`2026-08-22`); a time is itself."""
    return day if "T" in day else f"{day}T23:59:59Z"


def _last_run(connection: Connection, time: str) -> tuple[str, str, str]:
    """The command, source and date of the newest data at a time; what people register is data too."""
    r, v = RUNS.c, VERSIONS.c
    runs = select(r.command, r.source, r.seen.label("seen")).where(r.models > 0)
    own = select(literal("register"), v.place, v.registered_at.label("seen"))
    data = union_all(runs, own).subquery()
    newest = select(data).where(data.c.seen <= time).order_by(data.c.seen.desc()).limit(1)
    if (row := connection.execute(newest).one_or_none()) is not None:
        return row[0], row[1], row[2]
    first = connection.scalar(select(func.min(data.c.seen)))
    if first is None:
        raise RegistryError("the registry holds no data yet: load some with `lineage import` or `lineage crawl`")
    raise RegistryError(f"nothing is known of {time[:10]}: the first data is of {first[:10]}: ask for a later day")


def _named(connection: Connection, names: Sequence[str], time: str) -> set[int]:
    """The models (keys) that names mean today, or meant by a name that a model had."""
    if not names:
        return set()
    keys: set[int] = set()
    then = _names_then(connection, time)
    for name in names:
        folded = " ".join(name.casefold().split())
        if folded.startswith("author:"):
            owner = f"{folded[7:]}/"
            keys.update(connection.scalars(select(MODELS.c.key).where(owned_by(folded[7:]))))
            keys.update(key for called, held in then.items() if called.startswith(owner) for key in held)
            continue
        meant = then.get(folded, set())
        try:
            found = find_model(connection, name)
        except UnknownModel:
            if not meant:
                raise
        else:
            if not meant:
                _expect_known(connection, found.key, found.repo_id, time)
            keys.add(found.key)
        keys |= meant
    return keys


def _maybe(connection: Connection, names: Sequence[str], time: str) -> set[int]:
    """All models (keys) that names could mean today, or meant by a name that a model had."""
    if not names:
        return set()
    then = _names_then(connection, time)
    folded = {" ".join(name.casefold().split()) for name in names}
    folded |= {name.partition("@")[0] for name in folded}
    return could_mean(connection, names).union(*(then.get(name, ()) for name in folded))


def _unseen(connection: Connection, keys: set[int], time: str) -> set[int]:
    """Those of some models (keys) that nobody had seen at a time."""
    s = SIGHTS.c
    seen = select(s.model_key).where(among(connection, s.model_key, keys), s.first_seen <= time)
    return keys - set(connection.scalars(seen))


def _names_then(connection: Connection, time: str) -> dict[str, set[int]]:
    """The models (keys) by the names that they had before, and registered ones by what their names meant at a time;
    names case-folded."""
    found: dict[str, set[int]] = defaultdict(set)
    joined = PAST.join(MODELS, MODELS.c.key == PAST.c.model_key)
    renamed = select(PAST.c.name, PAST.c.model_key).select_from(joined).where(PAST.c.name != MODELS.c.repo_id)
    meant = [(row[0], row[1]) for row in connection.execute(renamed)]
    for name, key in [*meant, *names_at(connection, time).items()]:
        found[name.casefold()].add(key)
    return found


def _expect_known(connection: Connection, key: int, name: str, time: str) -> None:
    first = connection.scalar(select(SIGHTS.c.first_seen).where(SIGHTS.c.model_key == key))
    if first is not None and first > time:
        raise UnknownModel(
            f"{name} was not known on {time[:10]}: ask for {first[:10]}, when it was first seen, or later"
        )


def _fill(source: Connection, target: Connection, wanted: set[int] | None, time: str) -> None:
    """Save what was known at a time of some models, or of all."""
    keys = sorted(source.scalars(select(MODELS.c.key)) if wanted is None else wanted)
    for at in range(0, len(keys), _PAGE):
        records, spans = _page(source, keys[at : at + _PAGE], time)
        save_page(target, records, seen=time, source="")
        held = keys_of(target, (then[-1].name for then in spans))
        _keep_spans(target, {held[then[-1].name]: then for then in spans if then[-1].name in held})
        names = {span.name: then[-1].name for then in spans for span in then if span.name != then[-1].name}
        rows = [(name, name.casefold(), held[now], "hub-id") for name, now in names.items() if now in held]
        insert_rows(target, NAMES, ("name", "folded", "model_key", "evidence"), rows, missing=True)
    _register(source, target, time)
    resolve_names(target)


def _register(source: Connection, target: Connection, time: str) -> None:
    """Let registered models be such, by the names that they had."""
    meant = names_at(source, time)
    ids = select(MODELS.c.key, MODELS.c.repo_id).where(among(source, MODELS.c.key, set(meant.values())))
    called = {row.key: row.repo_id for row in source.execute(ids)}
    own = [id for id in called.values() if "@" in id]
    listed = update(MODELS).where(among(target, MODELS.c.repo_id, own), MODELS.c.state == State.LISTED)
    target.execute(listed.values(state=str(State.REGISTERED)))
    held = keys_of(target, called.values())
    meant = {name: key for name, key in meant.items() if called[key] in held and name != called[key]}
    rows = [(name, name.casefold(), held[called[key]], _kind(name)) for name, key in meant.items()]
    insert_rows(target, NAMES, ("name", "folded", "model_key", "evidence"), rows, missing=True)


def _kind(name: str) -> str:
    """How a name of a registered model is known: by a version, or as an alias."""
    return "version" if name.rpartition("@")[2].isdigit() or "@" not in name else "alias"


def _keep_spans(target: Connection, spans: dict[int, list[Span]]) -> None:
    """Save what models (keys) had been seen as until then."""
    save_spans(target, spans)
    s = SIGHTS.c
    rows = [
        {"k": key, "first": then[0].since, "now": then[-1].since if len(then) > 1 else None, "said": then[-1].silent}
        for key, then in spans.items()
    ]
    if rows:
        seen = update(SIGHTS).where(s.model_key == bindparam("k"))
        seen = seen.values(first_seen=bindparam("first"), since=bindparam("now"), silent=bindparam("said"))
        target.execute(seen, rows)


def _page(connection: Connection, keys: Sequence[int], time: str) -> tuple[list[ModelRecord], list[list[Span]]]:
    """What was known of some models at a time, and their runs until then."""
    spans = all_spans(connection, keys)
    rows = connection.execute(
        select(MODELS, SIGHTS.c.source)
        .join_from(MODELS, SIGHTS, SIGHTS.c.model_key == MODELS.c.key)
        .where(among(connection, MODELS.c.key, spans))
    )
    records: list[ModelRecord] = []
    known: list[list[Span]] = []
    for row in rows.mappings():
        then = [span for span in spans[row["key"]] if (span.since or "") <= time]
        if then:
            records.append(_record(dict(row), then[-1], time))
            known.append(then)
    return records, known


def _record(row: dict[str, Any], span: Span, time: str) -> ModelRecord:
    """A model's row, with what is followed as it was."""
    facts = {fact: row[fact] for fact in MODEL_FACTS} | {fact: getattr(span, fact) for fact in FOLLOWED}
    gone = facts.pop("state") == State.GONE
    facts |= {fact: labels(facts[fact]) for fact in _LISTS}
    return ModelRecord(
        span.name,
        hub_id=row["hub_id"],
        parents=tuple(parent for parent in span.parents if parent.origin != ITSELF),
        defects=tuple(
            Defect(SELF, "base_model", parent.name, "names the model itself")
            for parent in span.parents
            if parent.origin == ITSELF
        ),
        gone=gone,
        source=row["source"],
        seen=min(span.until, time) if span.until else None,
        dated=span.until is not None,
        **facts,
    )
