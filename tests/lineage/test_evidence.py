"""Grades of a claim by the files of its repository: each by files that reach it and lack what the next one asks for."""

import pytest
from sqlalchemy import Engine

from lineage.audit import Audited, audit
from lineage.evidence import Files, FileText, Reader
from lineage.selection import Selection
from tests.families import family
from tests.lineage.test_texts import APACHE, MIT

FAMILY = """
a/Root  apache-2.0
  b/Child  apache-2.0
    c/Grandchild  apache-2.0
"""
NOTICE = "A Root model\nCopyright 2024 A. This product includes work of A."
ROOT = {"LICENSE": APACHE}
CHILD = {"LICENSE": APACHE, "README.md": "---\nbase_model: A/root\n---\n"}
ME = {"LICENSE": APACHE, "README.md": "made from b/Child"}


def read(**held: dict[str, str] | str) -> Reader:
    """Files of models by the owner's letter; a text is why they could not be read."""
    names = {"a": "a/Root", "b": "b/Child", "c": "c/Grandchild"}
    found = {
        names[owner]: Files(problem=files)
        if isinstance(files, str)
        else Files(tuple(FileText(path, text, "") for path, text in files.items()))
        for owner, files in held.items()
    }
    return lambda ids: {id: found.get(id, Files()) for id in ids}


@pytest.fixture
def world(registry: Engine) -> Engine:
    family(registry, FAMILY)
    return registry


def audited(engine: Engine, reader: Reader | None, model: str = "c/Grandchild", claim: str = "any") -> Audited:
    (found,) = audit(engine, Selection((model,)), claim=claim, read=reader).models
    return found


@pytest.mark.parametrize(
    ("files", "level", "lacks"),
    [
        (read(), 1, "no file holds the text of apache-2.0"),
        (read(c={"LICENSE": MIT.replace("AS IS", "WELL")}), 1, "no file holds the text of apache-2.0"),
        (read(c={"README.md": APACHE}), 1, "no file holds the text of apache-2.0"),
        (read(c="gated"), 1, "its files could not be read: gated"),
        (read(c={"LICENSE": APACHE}), 2, "neither card nor NOTICE names b/Child"),
        (read(c={"LICENSE": APACHE, "NOTICE.txt": "from B/CHILD"}), 3, "no licence text is known of a/Root, b/Child"),
        (read(c=ME, b=CHILD), 3, "no licence text is known of a/Root"),
        (read(a=ROOT | {"NOTICE": NOTICE}, b=CHILD, c=ME), 2, "the NOTICE of a/Root is not there"),
        (read(a=ROOT | {"NOTICE": NOTICE}, b=CHILD, c=ME | {"NOTICE": f"b/Child. {NOTICE.upper()}\n\nMine"}), 4, None),
        (read(a=ROOT, b=CHILD, c=ME), 4, None),
        (read(a="gated", b=CHILD, c=ME), 3, "no licence text is known of a/Root"),
        (read(a=ROOT, b={"COPYING": APACHE}, c={"LICENCE.md": APACHE, "README.md": "b/child"}), 4, None),
    ],
)
def test_each_grade_and_what_keeps_it_from_the_next(
    world: Engine, files: Reader, level: int, lacks: str | None
) -> None:
    found = audited(world, files).evidence
    assert found is not None
    assert (found.level, found.lacks) == (level, lacks)


def test_a_root_has_nothing_upstream_to_name(world: Engine) -> None:
    found = audited(world, read(a=ROOT), "a/Root")
    assert found.evidence is not None
    assert (found.evidence.level, found.evidence.found) == (4, ("LICENSE: apache-2.0",))


def test_nothing_declared_is_grade_nought(registry: Engine) -> None:
    family(registry, "a/Root")
    found = audited(registry, read(a=ROOT), "a/Root")
    assert found.evidence is not None
    assert found.evidence.level == 0


def test_no_files_are_read_unless_asked_for(world: Engine) -> None:
    assert audited(world, None).evidence is None


def test_a_grade_makes_no_verdict(world: Engine) -> None:
    assert audited(world, read()).grade == audited(world, read(a=ROOT, b=CHILD, c=ME)).grade == "pass"


def test_findings_keep_the_highest_grade_away(registry: Engine) -> None:
    family(registry, FAMILY.replace("a/Root  apache-2.0", "a/Root  gemma"))
    found = audited(registry, read(a=ROOT, b=CHILD, c=ME))
    assert found.evidence is not None
    assert (found.evidence.level, found.evidence.lacks) == (3, "there are findings against the label")


def test_a_licence_file_that_holds_another_licence_contradicts_the_label(world: Engine) -> None:
    found = audited(world, read(c={"LICENSE": MIT}), claim="apache-2.0")
    assert (found.verdict, found.grade) == ("contradictory-metadata", "review")
    assert "license says apache-2.0, LICENSE holds mit" in found.findings[0].says


def test_more_than_one_licence_file_is_no_contradiction_while_one_is_the_declared(world: Engine) -> None:
    found = audited(world, read(c={"LICENSE": APACHE, "LICENSE-parts": MIT}))
    assert found.grade == "pass"


def test_a_file_above_that_contradicts_its_label_makes_the_model_unknowable(world: Engine) -> None:
    found = audited(world, read(b={"LICENSE": MIT}))
    assert (found.verdict, found.grade) == ("unknown", "review")
    assert found.offenders == ("b/Child",)


def test_files_are_asked_for_of_models_that_were_seen_and_of_no_others(registry: Engine) -> None:
    family(registry, "gone/Lost  unseen\n  b/Child  apache-2.0\n  z/Other  apache-2.0")
    asked: list[list[str]] = []

    def reader(ids: object) -> dict[str, Files]:
        asked.append(list(ids))  # type: ignore[call-overload]
        return {}

    found = audited(registry, reader, "b/Child")
    assert asked == [["b/Child"]]
    assert found.evidence is not None
    assert found.evidence.level == 1
