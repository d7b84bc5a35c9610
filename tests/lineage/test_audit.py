"""The audit: what is selected and claimed, where findings begin, how branches fare, and how it exits."""

import gzip
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from crawler.load import import_files
from lineage.audit import Audit, Audited, audit, exit_status, standings
from lineage.inheritance import inheritance
from lineage.policy import Policy
from lineage.scoreboard import Standing
from lineage.selection import Selection
from registry.names import UnknownModel
from registry.records import RegistryError
from tests.conftest import SNAPSHOT
from tests.families import api_row, family, save

FAMILY = """
Qwen/Root  qwen-research
  a/Right  qwen-research
    a/Late  apache-2.0
  b/Drops  apache-2.0
    c/One  quantized  apache-2.0
    c/Two  quantized  apache-2.0
      d/Deep  mit
  e/Silent
    e/After  apache-2.0
  f/Gone  apache-2.0  gone
g/Free  apache-2.0
  g/Child  apache-2.0
h/Lost  unseen
  h/One  apache-2.0
  h/Two  adapter  apache-2.0
  h/Mit  mit
"""


@pytest.fixture
def audited(registry: Engine) -> Engine:
    """A registry with the family."""
    family(registry, FAMILY)
    return registry


def by_name(found: Audit) -> dict[str, Audited]:
    return {model.model: model for model in found.models}


def test_all_models_that_claim_apache_are_audited_by_default(audited: Engine) -> None:
    found = audit(audited, Selection())
    assert set(by_name(found)) == {
        "a/Late", "b/Drops", "c/One", "c/Two", "e/After", "g/Free", "g/Child", "h/One", "h/Two"
    }  # fmt: skip
    assert (found.summary.selected, found.summary.audited, found.summary.claim) == (14, 9, "apache-2.0")
    assert found.summary.classes == {"violation": 5, "review": 2, "pass": 2}
    assert found.summary.verdicts == {
        "violation": {"restriction-dropped": 5},
        "review": {"unknown": 2},
        "pass": {"ok": 2},
    }


def test_another_claim_and_any(audited: Engine) -> None:
    assert set(by_name(audit(audited, Selection(), claim="mit"))) == {"d/Deep", "h/Mit"}
    whatever = audit(audited, Selection(), claim="any")
    assert whatever.summary.audited == whatever.summary.selected == 14
    assert by_name(whatever)["e/Silent"].verdict == "undeclared"
    assert "f/Gone" not in by_name(whatever)
    assert "h/Lost" not in by_name(whatever)


def test_a_verdict_is_that_of_the_model_alone(audited: Engine) -> None:
    for name, model in by_name(audit(audited, Selection(), claim="any")).items():
        alone = inheritance(audited, name)
        assert (model.verdict, model.grade, model.effective) == (alone.verdict, alone.grade, alone.effective)
        assert (model.declared, model.annotations) == (alone.declared, alone.annotations)
        told = [replace(finding, offender=None) for finding in model.findings]
        assert told == [finding for finding in alone.findings if finding.grade != "pass"]


def test_what_is_named_is_audited_whatever_became_of_it(audited: Engine) -> None:
    found = audit(audited, Selection(models=("F/GONE", "c/One")))
    assert set(by_name(found)) == {"f/Gone", "c/One"}
    assert all(model.line is None for model in found.models)


def test_the_models_of_a_file_keep_their_lines(audited: Engine, tmp_path: Path) -> None:
    listed = tmp_path / "models.txt"
    listed.write_text("\ufeff# what we use\n\nc/One\n  g/Child@abc  # pinned\nc/one\nh/Mit\n", encoding="utf-8")
    found = audit(audited, Selection(file=listed))
    assert {name: model.line for name, model in by_name(found).items()} == {"c/One": 3, "g/Child": 4}
    assert found.summary.asked == str(listed)
    assert found.summary.selected == 3


def test_an_unknown_name_in_a_file_is_refused_with_its_line(audited: Engine, tmp_path: Path) -> None:
    listed = tmp_path / "models.txt"
    listed.write_text("c/One\nc/Nine\n", encoding="utf-8")
    with pytest.raises(UnknownModel, match=r"models\.txt:2: no such model: c/Nine: did you mean c/One"):
        audit(audited, Selection(file=listed))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"# nothing\n\n", "names no model"), (b"\xff\xfe", "is not UTF-8"), (b"a" * 16_000_001, "is larger than")],
)
def test_a_file_that_is_no_list_is_refused(audited: Engine, tmp_path: Path, content: bytes, said: str) -> None:
    listed = tmp_path / "models.txt"
    listed.write_bytes(content)
    with pytest.raises(RegistryError, match=said):
        audit(audited, Selection(file=listed))


def test_a_file_that_is_not_there_is_refused(audited: Engine, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"cannot read .*nowhere"):
        audit(audited, Selection(file=tmp_path / "nowhere"))


def test_a_family_is_its_root_and_all_below_it(audited: Engine) -> None:
    found = audit(audited, Selection(families=("Qwen/Root",)), claim="any")
    assert found.summary.selected == 9
    assert by_name(found)["Qwen/Root"].verdict == "ok"
    assert {"d/Deep", "e/After"} < set(by_name(found))
    assert "f/Gone" not in by_name(found)


def test_an_author_and_several_ways_of_selecting_add_up(audited: Engine) -> None:
    found = audit(audited, Selection(models=("g/Free",), families=("b/Drops",), authors=("H",)))
    assert set(by_name(found)) == {"g/Free", "b/Drops", "c/One", "c/Two", "h/One", "h/Two"}
    assert found.summary.asked == "g/Free, the family of b/Drops, author:H"


def test_findings_are_grouped_by_where_they_begin(audited: Engine) -> None:
    summary = audit(audited, Selection(), claim="any").summary
    assert [(o.model, o.models, o.alone, o.clears) for o in summary.offenders] == [
        ("b/Drops", 4, 4, 4),
        ("h/Lost", 3, 3, 7),
        ("e/Silent", 2, 2, 9),
        ("a/Late", 1, 1, 10),
    ]


def test_what_is_mended_last_clears_all(audited: Engine) -> None:
    summary = audit(audited, Selection(), claim="any").summary
    assert summary.offenders[-1].clears == summary.audited - summary.classes["pass"]


def test_branches_of_a_family_and_of_the_registry(audited: Engine) -> None:
    whole = audit(audited, Selection()).summary
    assert [(b.model, b.models, b.violation, b.review, b.passed) for b in whole.branches] == [
        ("Qwen/Root", 5, 5, 0, 0),
        ("g/Free", 2, 0, 0, 2),
        ("h/Lost", 2, 0, 2, 0),
    ]
    inside = audit(audited, Selection(families=("Qwen/Root",))).summary
    assert [(b.model, b.models) for b in inside.branches] == [("b/Drops", 3), ("a/Right", 1), ("e/Silent", 1)]


def test_a_branch_is_found_by_the_parent_that_is_named_first(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("x/A", license="mit"),
            api_row("x/B", license="mit"),
            api_row("x/Merge", ["x/B", "x/A"], "merge", license="apache-2.0"),
            api_row("x/Below", ["x/Merge"], license="apache-2.0"),
        ],
    )
    assert [b.model for b in audit(registry, Selection()).summary.branches] == ["x/B"]
    of_a = audit(registry, Selection(families=("x/A",))).summary
    assert [(b.model, b.models) for b in of_a.branches] == [("x/Merge", 2)]


def test_circles_end(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("x/A", ["x/B"], license="apache-2.0"),
            api_row("x/B", ["x/A"], license="cc-by-nc-4.0"),
            api_row("x/C", ["x/A"], license="apache-2.0"),
        ],
    )
    found = by_name(audit(registry, Selection()))
    assert {name: model.verdict for name, model in found.items()} == {"x/A": "ok", "x/C": "ok"}  # one owner
    save(registry, [api_row("y/C", ["x/A"], license="apache-2.0")])
    assert by_name(audit(registry, Selection()))["y/C"].verdict == "restriction-dropped"


def test_models_stand_worst_first_and_a_limit_says_what_it_leaves_out(audited: Engine) -> None:
    found = audit(audited, Selection(), limit=2)
    assert [model.grade for model in found.models] == ["violation", "violation"]
    assert found.summary.more == {"models": 7, "offenders": 2, "branches": 1}
    assert found.summary.classes == audit(audited, Selection()).summary.classes
    assert audit(audited, Selection()).summary.more == {"models": 0, "offenders": 0, "branches": 0}
    grades = [model.grade for model in audit(audited, Selection()).models]
    assert grades == sorted(grades, key=["violation", "review", "pass"].index)


def test_nothing_selected_that_claims_it(audited: Engine) -> None:
    found = audit(audited, Selection(models=("h/Mit",)))
    assert (found.summary.selected, found.summary.audited, found.models) == (1, 0, ())
    assert exit_status(found, strict=True) == 0


@pytest.mark.parametrize(
    ("violations", "reviews", "strict", "status"),
    [(0, 0, False, 0), (0, 0, True, 0), (0, 1, False, 0), (0, 1, True, 3), (1, 0, False, 1), (1, 1, True, 1)],
)
def test_how_it_exits(audited: Engine, violations: int, reviews: int, strict: bool, status: int) -> None:
    found = audit(audited, Selection())
    classes = {"violation": violations, "review": reviews, "pass": 5}
    assert exit_status(replace(found, summary=replace(found.summary, classes=classes)), strict=strict) == status


def test_children_of_a_restricted_qwen_in_the_snapshot_are_violations_that_name_licence_and_clause(
    snapshot_registry: Engine,
) -> None:
    found = audit(snapshot_registry, Selection(families=("Qwen/Qwen2.5-3B-Instruct",)))
    assert found.summary.classes == {"violation": 34, "review": 0, "pass": 0}
    for model in found.models:
        worst = model.findings[0]
        assert (worst.license, worst.ancestor) == ("qwen-research", "Qwen/Qwen2.5-3B")
        assert worst.section == "2(a)"
        assert worst.path[0] == model.model
        assert worst.path[-1] == "Qwen/Qwen2.5-3B"
        assert "non-commercial" in (worst.clause or "")


def test_models_stand_as_an_audit_tells(snapshot_registry: Engine) -> None:
    found = audit(snapshot_registry, Selection(), claim="any")
    told = {one.model: Standing(one.grade, one.verdict, one.offenders) for one in found.models}
    assert standings(snapshot_registry, Selection(), Policy()) == told
    assert len(told) > 15_000


def test_an_audit_does_not_depend_on_the_order_in_which_models_came_in(
    snapshot_registry: Engine, registry: Engine, tmp_path: Path
) -> None:
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        rows = list(lines)
    Random(1).shuffle(rows)
    shuffled = tmp_path / "shuffled.jsonl"
    shuffled.write_text("".join(rows), encoding="utf-8")
    import_files(registry, [shuffled], seen="2026-08-22T00:00:00Z", progress=lambda dump, models: None)
    assert audit(registry, Selection(), claim="any") == audit(snapshot_registry, Selection(), claim="any")
