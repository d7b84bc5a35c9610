"""Models are found by the fingerprints of their rows, and told apart by them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from registry.columns import Ints
from registry.fingerprints import Fingerprints, Known

_SUM = st.binary(min_size=16, max_size=16)
_SUMS = st.dictionaries(st.integers(1, 2**62), _SUM, max_size=30)


def keys(*numbers: int) -> Ints:
    return np.array(numbers, np.int64)


def held(sums: dict[int, bytes]) -> Fingerprints:
    return Fingerprints.of(keys(*sums), b"".join(sums.values()))


@given(_SUMS, st.lists(_SUM, max_size=5))
def test_each_model_is_found_by_its_fingerprint(sums: dict[int, bytes], others: list[bytes]) -> None:
    once = {found: key for key, found in sums.items()}
    known = Known(held({key: found for found, key in once.items()}))
    asked = [*others, *once]
    assert known.models(asked).tolist() == [once.get(found, 0) for found in asked]


def test_of_two_with_one_first_half_the_one_that_is_found_is_right() -> None:
    one, two = b"12345678abcdefgh", b"12345678ABCDEFGH"
    found = Known(held({7: one, 9: two})).models([two, one, b"12345678ijklmnop"]).tolist()
    assert sorted(found)[:2] == [0, 0]
    assert sum(found) in (7, 9)
    assert found[0] in (0, 9)
    assert found[1] in (0, 7)


@given(_SUMS)
def test_they_are_in_order_and_told_as_pairs(sums: dict[int, bytes]) -> None:
    found = held(sums)
    assert (dict(found.pairs()), len(found)) == (sums, len(sums))
    assert found.keys.tolist() == sorted(sums)
    assert dict(Fingerprints.joined([found]).pairs()) == sums


def test_a_model_whose_row_stands_twice_in_a_batch_is_one() -> None:
    assert list(Fingerprints.of(keys(3, 1, 3), b"c" * 16 + b"a" * 16 + b"c" * 16).pairs()) == [
        (1, b"a" * 16),
        (3, b"c" * 16),
    ]


_FEW = st.dictionaries(st.integers(1, 8), st.sampled_from([b"a" * 16, b"b" * 16, b"a" * 8 + b"b" * 8]), max_size=8)


@given(_FEW, _FEW)
def test_without_some_and_alike_to_others(sums: dict[int, bytes], others: dict[int, bytes]) -> None:
    assert dict(held(sums).without(list(others)).pairs()) == {key: sums[key] for key in sums.keys() - others.keys()}
    theirs = {key: others.get(key, found) for key, found in sums.items()}
    same = [key for key in sorted(sums) if theirs[key] == sums[key]]
    assert held(sums).alike(held(theirs)).tolist() == same
    assert held(sums).alike(held({})).tolist() == []
