"""A chain longer than anybody makes one: answers in linear time and text, which say what they left out."""

from sqlalchemy import Engine

from lineage.family import ancestors, paths
from lineage.formats.tree import tree

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
