import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.packing import LARGEST, pack, unpack, unpack_layers


@given(st.lists(st.integers(0, LARGEST)))
def test_ids_come_back_sorted_and_as_often_as_they_went_in(ids: list[int]) -> None:
    assert unpack(pack(ids)) == sorted(ids)


@given(st.lists(st.integers(0, 50)))
def test_layers_say_how_often_each_occurs(ids: list[int]) -> None:
    layers = unpack_layers(pack(ids))
    assert sum(len(layer) for layer in layers) == len(ids)
    for each in set(ids):
        assert sum(each in layer for layer in layers) == ids.count(each)


def test_a_hundred_thousand_neighbours_are_small() -> None:
    assert len(pack(range(1, 100_001))) < 2_000


def test_an_id_past_32_bits_is_refused_and_never_becomes_somebody_else() -> None:
    with pytest.raises(ValueError, match="past 32 bits"):
        pack([1, LARGEST + 1])


def test_lists_packed_by_the_first_version_are_still_read() -> None:
    differences = bytes([3, 0, 0x81, 0x01, 2])  # 3, 3, 132, 134
    assert unpack(zlib.compress(differences)) == [3, 3, 132, 134]
