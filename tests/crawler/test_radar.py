"""The radar rows of the snapshot alone, without the roots that other crawls know."""

import gzip
import json

import pytest
from sqlalchemy import Engine

from lineage.family import ancestors
from registry.database import reading
from registry.read import totals
from tests.conftest import SNAPSHOT
from tests.families import save

MODEL = "reaperdoesntknow/Dualmind-Qwen-1.7B-Thinking"


@pytest.fixture
def radar_alone(registry: Engine) -> Engine:
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["observation"]["source"] == "radar"]
    save(registry, rows)
    return registry


def test_radar_alone(radar_alone: Engine, snapshot_registry: Engine) -> None:
    with reading(radar_alone) as connection:
        held = totals(connection)
    assert held.models["listed"] + held.models["gone"] == 15_904
    assert held.models["gone"] == 748
    assert held.edges["recovered-by-case"] >= 41
    assert (held.defects["self-reference"], held.defects["local-path"]) == (23, 47)
    chain = [member.id for member in ancestors(radar_alone, MODEL).members[1:]]
    assert (len(chain), chain[-1]) == (7, "Qwen/Qwen3-1.7B")
    with_roots = [member.id for member in ancestors(snapshot_registry, MODEL).members[1:]]
    assert with_roots == [*chain, "Qwen/Qwen3-1.7B-Base"]
