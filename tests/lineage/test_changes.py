"""What changed, told by history and diff: real changes replayed, and little worlds."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from crawler.load import import_files
from lineage.changes import changes, history
from registry.as_of import as_of
from tests.families import Row, api_row, content

DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 29)]


def imported(engine: Engine, folder: Path, rows: list[Row], seen: str) -> None:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    import_files(engine, [path], seen=seen, progress=lambda dump, models: None)


def utc(time: str) -> str:
    """Times of the change log stand two hours before UTC."""
    assert time.endswith("+02:00")
    return f"{time[:11]}{int(time[11:13]) - 2:02}{time[13:19]}Z"


def as_row(id: str, state: Row) -> Row:
    """A model of the change log as the Hub gives it."""
    relation = state["base"][0][1] if state["base"] else "finetune"
    parents = [parent for parent, _ in state["base"]]
    row = api_row(id, parents, relation or "finetune", state["license"], gated="auto" if state["gated"] else False)
    if state["base"] and not relation:
        row["tags"] = [f"base_model:{name}" for name in parents] + row["tags"][2 * len(parents) :]
    return row | ({"observation": {"gone": True}} if state["removed"] else {})


class Log:
    """The change log: what each model was before, and then at each of its times."""

    def __init__(self, path: Path) -> None:
        self.changes: list[Row] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        self.before: dict[str, Row] = defaultdict(
            lambda: {"license": None, "base": [], "removed": False, "gated": False}
        )
        for change in reversed(self.changes):
            self.before[change["id"]][change["field"]] = change["old"]

    def days(self) -> Iterator[tuple[str, list[Row]]]:
        """The time and the rows of each import."""
        states = {id: dict(state) for id, state in self.before.items()}
        yield "2026-08-18T00:00:00Z", [as_row(id, state) for id, state in states.items()]
        for at in sorted({change["at"] for change in self.changes}):
            met = [change for change in self.changes if change["at"] == at]
            for change in met:
                states[change["id"]][change["field"]] = change["new"]
            yield utc(at), [as_row(id, states[id]) for id in dict.fromkeys(change["id"] for change in met)]


def words(id: str, field: str, value: Any) -> str:
    """A value of the change log in our words."""
    if field == "license":
        return str(value) if value else "none declared"
    if field == "gated":
        return "auto" if value else "false"
    if field == "removed":
        return "gone" if value else "listed"
    how = [(name, "itself" if name == id else relation) for name, relation in value]
    return ", ".join(f"{name} ({word})" if word else name for name, word in how) or "none"


def told(change: Row) -> tuple[str, str, str, str, str]:
    """A change of the log as `Change` has it: model, field, old, new, by."""
    fields = {"base": "base_model", "removed": "gone" if change["new"] else "returned"}
    field = fields.get(change["field"], change["field"])
    old, new = (words(change["id"], change["field"], change[which]) for which in ("old", "new"))
    return str(change["id"]), str(field), old, new, utc(change["at"])


def test_every_real_change_is_told(registry: Engine, shared: Path, tmp_path: Path) -> None:
    log = Log(shared / "radar" / "radar_changes_20260819_20260822.jsonl")
    assert (len(log.changes), sum(c["field"] == "removed" for c in log.changes)) == (1_423, 677)
    assert sum(c["field"] == "removed" and not c["new"] for c in log.changes) == 126
    stops = {}
    for seen, rows in log.days():
        imported(registry, tmp_path, rows, seen)
        stops[seen] = lineage_of(registry)
    wanted = {told(change) for change in log.changes}
    assert len(wanted) == len(log.changes)
    found = changes(registry, "2026-08-18")
    assert {(c.model, c.field, c.old, c.new, c.by) for c in found.changes} == wanted
    by_model: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for one in wanted:
        by_model[one[0]].add(one)
    for model, ones in by_model.items():
        assert {(c.model, c.field, c.old, c.new, c.by) for c in history(registry, model).changes} == ones
    for seen, stop in stops.items():
        with as_of(registry, seen) as then:
            assert lineage_of(then) == stop


def lineage_of(engine: Engine) -> tuple[Any, ...]:
    held = content(engine)
    return sorted((row[0], row[12], row[15], row[-1]) for row in held["models"]), held["derivations"]
