"""Worlds whose bills of materials are tested in both formats, and what their models were made from."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from lineage.family import ancestors
from tests.families import api_row as row
from tests.families import family, save
from tests.lineage.test_hostile_text import TEXTS

#: A diamond under Merged, two models that are made from each other, a parent that is gone, one that nobody saw, one
#: under words that nobody knows, and one that declares nothing.
WORLD = """
top/Root  llama3.1
  a/Left  llama3.1
    m/Merged  apache-2.0
  a/Right  apache-2.0
    m/Merged
      me/Tuned  quantized  apache-2.0
c/One  mit
  c/Two  mit
    c/One
    me/Looped  mit
g/Gone  apache-2.0  gone
  me/OfGone  apache-2.0
u/Unseen  unseen
  me/OfUnseen  apache-2.0
w/Words  who-knows
  me/OfWords  apache-2.0
n/Nothing
  me/OfNothing  adapter  apache-2.0
p/Free  apache-2.0
  me/Free  apache-2.0
"""
MODELS = "me/Tuned me/Looped me/OfGone me/OfUnseen me/OfWords me/OfNothing me/Free c/One top/Root".split()
#: A model of the embedded snapshot that was merged from two families.
REAL = "reaperdoesntknow/Qemma-Q1.7B"
FILES = {"adapter_config.json", "adapter_model.safetensors", "README.md"}


def world(engine: Engine) -> Engine:
    """A registry that holds WORLD."""
    family(engine, WORLD)
    return engine


def hostile_world(engine: Engine, text: str) -> Engine:
    """Two models of which everything that can be said freely is the text."""
    card = {"license": "other", "license_name": text, "license_link": text, "base_model": "a/Base", "datasets": [text]}
    said = {"author": text, "pipeline_tag": text, "library_name": text, "sha": text}
    save(engine, [row("a/Base", license=text, **said), row("b/Tuned", ["a/Base"], cardData=card, **said)])
    return engine


def edges_above(engine: Engine, *models: str) -> set[tuple[str, str]]:
    """Every edge (child, parent) above some models, by the query that `lineage ancestors` asks."""
    found: set[tuple[str, str]] = set()
    for model in models:
        found |= {(edge.child, edge.parent) for edge in ancestors(engine, model).edges}
    return found


hostile_texts = pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))


def pairs(names: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Properties without the prefix that all have."""
    return ((name.removeprefix("finetune-lineage:"), value) for name, value in names)
