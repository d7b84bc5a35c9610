"""A chain longer than anybody makes one: answers in linear time and text, which say what they left out."""

from pathlib import Path
from typing import Any

import pytest
from PIL import ImageDraw
from sqlalchemy import Engine

from lineage.audit import ANY, audit, standings
from lineage.claims import Claims
from lineage.family import ancestors, paths
from lineage.findings import MOST_STEPS
from lineage.formats.tree import tree
from lineage.inheritance import inheritance
from lineage.lock import lock
from lineage.policy import Policy, read_policy
from lineage.questions import suggest
from lineage.reach import MOST_UNKNOWN
from lineage.selection import Selection
from lineage.verdicts import Verdicts
from registry.bulk import everything
from registry.database import reading
from tests.families import api_row, save
from tests.lineage.calls import answer

LAST = "c/19999"


def test_a_tree_counts_levels_that_nobody_could_see(deep_registry: Engine) -> None:
    staircase = tree(paths(deep_registry, LAST, "c/0"))
    drawn = tree(ancestors(deep_registry, LAST))
    for text in (staircase, drawn):
        lines = text.splitlines()
        assert len(lines) == 20_000
        assert len(text) < 3_000_000
    assert "19,998: └─ finetune of  c/0" in staircase
    assert "19,998: └─ finetune of  c/0" in drawn


def test_findings_beyond_so_many_steps_are_left_out_and_counted(deep_registry: Engine) -> None:
    found = inheritance(deep_registry, LAST)
    assert sum(len(finding.path) - 1 for finding in found.findings if finding.path) <= MOST_STEPS
    assert [finding.ancestor for finding in found.findings[1:3]] == ["c/19998", "c/19997"]
    left_out = 20_000 - len(found.findings)
    assert found.notes[0].startswith(f"{left_out:,} more findings")


def test_an_audit_tells_some_of_the_ancestors_of_unknown_terms(deep_registry: Engine) -> None:
    found = audit(deep_registry, Selection(), claim=ANY, limit=2)
    assert found.summary.classes["review"] == found.summary.audited == 20_000
    assert f"{20_000 - MOST_UNKNOWN:,} models have {MOST_UNKNOWN} or more" in found.summary.remarks[0]
    assert all(0 < len(one.findings) <= MOST_UNKNOWN + 1 for one in found.models)


def test_a_lock_holds_all(deep_registry: Engine) -> None:
    held = lock(deep_registry, [LAST])
    assert len(held.models) == 20_000
    assert {one.verdict for one in held.models} == {"undeclared"}


def test_who_follows_a_deep_family_hears_of_all(deep_registry: Engine) -> None:
    found = standings(deep_registry, Selection(families=("c/0",)), Policy())
    assert len(found) == 20_000
    assert found[LAST].because_of == tuple(sorted(found[LAST].because_of))
    assert len(found[LAST].because_of) == MOST_UNKNOWN + 1


def test_an_audit_of_all_leaves_out_models_that_are_too_deep_and_says_so(deep_registry: Engine) -> None:
    found = audit(deep_registry, Selection(), claim=ANY)
    assert 10 < len(found.models) < 200
    assert found.summary.remarks[1].startswith(f"{20_000 - len(found.models):,} models are counted but left out")
    assert sum(len(finding.path) for one in found.models for finding in one.findings) < 6_000_000
    above = [int(one.model.partition("/")[2]) for one in found.models]
    untold = sum(min(n, MOST_UNKNOWN) + 1 - len(one.findings) for n, one in zip(above, found.models, strict=True))
    assert untold > 500
    assert found.summary.remarks[2].startswith(f"{untold:,} findings of the models shown")


def test_all_works_of_an_owner_are_judged_in_one_pass(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself takes the square of a deep ancestry."""
    labels = ("apache-2.0", "cc-by-nc-4.0", None, "llama3.1", "mit")
    rows = [api_row(f"c/{n}", [f"c/{n - 1}"] if n else [], license=labels[n % 5]) for n in range(1_000)]
    save(registry, rows)
    monkeypatch.delattr("lineage.ancestry.Ancestries.of")
    with reading(registry) as connection:
        columns = everything(connection)
        cases = [case.judgements for case in Verdicts(columns, Claims(columns)).cases]
    said = {judgement.rule for judgements in cases for judgement in judgements}
    assert "own-work" in said


def test_no_label_is_tried_where_none_can_pass(deep_registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("lineage.questions.judged")
    found = suggest(deep_registry, LAST)
    assert (found.suggestions, len(found.notes)) == ((), 19_999)


@pytest.mark.parametrize(("ancestor", "grade"), [("ancestor = 'u/*'\n", "review"), ("", "pass")])
def test_waivers_for_some_ancestors_do_not_cover_those_that_are_not_told(
    registry: Engine, tmp_path: Path, ancestor: str, grade: str
) -> None:
    save(registry, [api_row("me/Big", [f"u/{n}" for n in range(MOST_UNKNOWN + 20)], "merge", "mit")])
    policy = tmp_path / "lineage.toml"
    policy.write_text(f"[[waiver]]\nmodel = 'me/Big'\n{ancestor}reason = 'looked at'\nexpires = 2999-01-01\n")
    (found,) = audit(registry, Selection(("me/Big",)), claim=ANY, policy=read_policy(policy)).models
    assert found.grade == grade


def test_a_poster_leaves_out_discs_that_all_but_fill_the_one_around_them(
    deep_registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn one in the other, 20,000 of them took half an hour."""
    drawn: list[object] = []
    ellipse = ImageDraw.ImageDraw.ellipse

    def noting(draw: ImageDraw.ImageDraw, *args: Any, **options: Any) -> None:
        drawn.append(args)
        ellipse(draw, *args, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "ellipse", noting)
    answer(deep_registry, "map", "c/0", "-o", tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert 20_100 < len(drawn) < 20_600  # a dot for each model, and discs
