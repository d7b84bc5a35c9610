"""Inputs that a fuzzer starts from, and those that once went wrong, read by what they are for."""

from pathlib import Path

import pytest

from torture.fuzz import fuzz
from torture.targets import CORPUS, TARGETS

INPUTS = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_strangers_send_is_read_or_refused(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_each_target_has_inputs_to_start_from() -> None:
    assert {path.parent.name for path in INPUTS} == set(TARGETS)


def test_a_fuzzer_tries_inputs_and_counts_them(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    found = fuzz("names", 2, tmp_path)
    assert found.fault is None
    assert found.tried > 100
    assert found.edges > 5
