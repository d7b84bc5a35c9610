"""What changed, told by history and diff: real changes replayed, and little worlds."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from crawler.load import import_files
from lineage.audit import audit
from lineage.changes import Change, changes, history
from lineage.compare import compare
from lineage.inheritance import inheritance
from lineage.licenses.catalogue import Clarification, Own, own_facts
from lineage.selection import Selection
from registry.as_of import as_of
from tests.families import Row, api_row, content
from tests.lineage.calls import STEERING, answer, database, lineage, refusal

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


def world(engine: Engine, folder: Path) -> None:
    """A base under another licence from some day on, and what was made of it before, between and after."""
    created = "2025-12-01T00:00:00.000Z"
    for day in (0, 9):
        imported(engine, folder, [api_row("a/Base", license="apache-2.0", createdAt=created)], DAYS[day])
    children = [
        api_row(f"b/{name}", ["a/Base"], license="apache-2.0", createdAt=f"2026-01-{day:02}T00:00:00.000Z")
        for name, day in {"before": 4, "between": 12, "after": 26}.items()
    ]
    base = api_row("a/Base", license="gemma", createdAt=created)
    imported(engine, folder, [base, *children[:2]], DAYS[24])
    imported(engine, folder, [base, *children], DAYS[27])


def test_the_licence_when_made_comes_from_the_history(registry: Engine, tmp_path: Path) -> None:
    world(registry, tmp_path)
    said = {name: inheritance(registry, f"b/{name}") for name in ("before", "between", "after")}
    assert (said["before"].verdict, said["before"].grade) == ("stale-label", "review")
    assert (said["between"].grade, said["after"].grade) == ("violation", "violation")
    stale = next(finding for finding in said["before"].findings if finding.rule == "stale-label")
    assert "Then it was under apache-2.0 (seen so from 2026-01-01 to 2026-01-10)." in stale.says
    for selection in (Selection(), Selection(families=("a/Base",)), Selection(models=("b/before", "b/after"))):
        for one in audit(registry, selection, claim="any").models:
            alone = inheritance(registry, one.model)
            assert (one.verdict, one.grade) == (alone.verdict, alone.grade)


def test_what_the_user_says_holds_on_any_day(registry: Engine, tmp_path: Path) -> None:
    world(registry, tmp_path)
    mine = Clarification("gemma", "I asked")
    with own_facts(Own((), {}, {"a/base": mine}, "")):
        assert inheritance(registry, "b/before").grade == "violation"


def test_a_verdict_as_of_a_day(registry: Engine, tmp_path: Path) -> None:
    world(registry, tmp_path)
    assert "violation" in answer(registry, "license", "b/between")
    imported(registry, tmp_path, [api_row("b/between", ["a/Base"], license="gemma")], "2026-02-01T00:00:00Z")
    assert "violation" not in answer(registry, "license", "b/between")
    assert "violation" in answer(registry, "license", "b/between", "--as-of", "2026-01-28")
    assert lineage("audit", "b/between", "--as-of", "2026-01-25", "--db", database(registry)).exit_code == 1
    assert lineage("audit", "--family", "a/Base", "--claim", "any", "--as-of", "2026-01-11", "--db", database(registry)
    ).exit_code == 0  # fmt: skip


def test_the_commands(registry: Engine, tmp_path: Path) -> None:
    world(registry, tmp_path)
    assert answer(registry, "history", "a/base") == (
        "a/Base, seen 2026-01-01 to 2026-01-28\n\n"
        "change   from        to     after       by\n"
        "license  apache-2.0  gemma  2026-01-10  2026-01-25\n"
    )
    assert "nothing is known to have changed" in answer(registry, "history", "b/after")
    said = answer(registry, "diff", "--since", "2026-01-11", "--family", "a/Base")
    assert said.startswith("about a/Base since 2026-01-11, data of 2026-01-28\n1 with another licence label, 3 new\n")
    found: dict[str, Any] = json.loads(answer(registry, "diff", "--since", "2026-01-26", "-f", "json"))
    assert (found["new"], found["weeks"], found["changes"]) == (1, {"2026-01-26": 1}, [])
    assert [one["id"] for one in found["added"]] == ["b/after"]
    assert answer(registry, "diff", "--since", "2027-01-01").endswith("nothing is known to have changed\n")
    rows = answer(registry, "diff", "--since", "2026-01-11", "-f", "csv").splitlines()
    assert rows[:2] == ["change,model,from,to,after,by", "license,a/Base,apache-2.0,gemma,2026-01-10,2026-01-25"]
    assert len(rows) == 5
    assert refusal("diff", "--db", database(registry)).startswith("say --since DATE")
    assert refusal("diff", "--since", "yesterday", "--db", database(registry)).startswith("Invalid value for '--since'")


def test_a_family_that_a_model_has_left(registry: Engine, tmp_path: Path) -> None:
    imported(registry, tmp_path, [api_row("a/Base"), api_row("b/M", ["a/Base"])], DAYS[0])
    imported(registry, tmp_path, [api_row("b/M", ["z/Other"])], DAYS[5])
    found = changes(registry, "2026-01-02", families=["a/Base"]).changes
    assert found == (Change("b/M", "base_model", "a/Base (finetune)", "z/Other (finetune)", DAYS[0], DAYS[5]),)


def test_two_registries(registry: Engine, another: Engine, tmp_path: Path) -> None:
    rows = [api_row("a/Base", license="mit"), api_row("b/M", ["a/Base"]), api_row("c/Left", _id="1" * 24)]
    imported(registry, tmp_path, [*rows, api_row("d/Lost")], DAYS[0])
    rows = [api_row("a/Base", license="gemma"), rows[1], api_row("c/Moved", _id="1" * 24), api_row("e/New")]
    imported(another, tmp_path, rows, DAYS[9])
    found = compare(registry, another)
    assert [(c.field, c.model, c.old, c.new) for c in found.changes] == [
        ("missing", "d/Lost", "listed", "not in the registry"),
        ("name", "c/Moved", "c/Left", "c/Moved"),
        ("license", "a/Base", "mit", "gemma"),
    ]
    assert [new.id for new in found.added] == ["e/New"]
    told = lineage("diff", database(registry), database(another))
    assert "1 missing, 1 renamed, 1 with another licence label, 1 new" in told.stdout, told.output
    same = lineage("diff", database(another), database(another))
    assert same.stdout.endswith("nothing is known to have changed\n")


def test_hostile_text_in_changes(registry: Engine, tmp_path: Path) -> None:
    hostile = "<b>|\x1b[31m=cmd\u202e"
    card = {"license": "other", "license_name": hostile}
    imported(registry, tmp_path, [api_row("a/Base", license="mit")], DAYS[0])
    imported(registry, tmp_path, [api_row("a/Base", cardData=card, tags=None)], DAYS[5])
    for format_ in ("table", "json", "jsonl", "csv", "markdown"):
        for command in (("history", "a/Base"), ("diff", "--since", "2026-01-02")):
            said = answer(registry, *command, "-f", format_)
            assert not STEERING.search(said)
            assert format_ != "markdown" or "<b>" not in said


def test_models_without_any_date(registry: Engine, another: Engine, tmp_path: Path) -> None:
    bare = {"id": "a/Bare", "observation": {"source": "x", "seen": None}}
    imported(registry, tmp_path, [api_row("a/Base")], DAYS[0])
    imported(another, tmp_path, [api_row("a/Base"), bare], DAYS[1])
    found = compare(registry, another)
    assert (found.new, found.weeks, [new.id for new in found.added]) == (1, {}, ["a/Bare"])
    assert lineage("diff", database(registry), database(another)).exit_code == 0


def test_a_name_that_another_model_has_by_now(registry: Engine, another: Engine, tmp_path: Path) -> None:
    one, two = "1" * 24, "2" * 24
    imported(registry, tmp_path, [api_row("o/X", _id=one, license="mit")], DAYS[0])
    imported(another, tmp_path, [api_row("o/Y", _id=one, license="mit"), api_row("o/X", _id=two)], DAYS[1])
    found = compare(registry, another)
    assert [(c.field, c.model) for c in found.changes] == [("name", "o/Y")]
    assert [new.id for new in found.added] == ["o/X"]


def test_days_as_people_write_them(registry: Engine, tmp_path: Path) -> None:
    world(registry, tmp_path)
    for day in ("2026-01-10", "20260110", "2026-W02-6", "2026-01-10T23:00:00+00:00", "2026-01-10 12:00"):
        assert "apache-2.0" in answer(registry, "ancestors", "a/Base", "--as-of", day)
    for day in ("yesterday", "0001-01-01T00:00:00+14:00", "2026-13-01"):
        assert "is no ISO 8601 date" in refusal("ancestors", "a/Base", "--as-of", day, "--db", database(registry))
