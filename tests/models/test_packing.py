from hypothesis import given
from hypothesis import strategies as st

from models.packing import pack, unpack


@given(st.lists(st.integers(0, 2**62)))
def test_ids_come_back_sorted_and_as_often_as_they_went_in(ids: list[int]) -> None:
    assert unpack(pack(ids)) == sorted(ids)


def test_a_hundred_thousand_neighbours_are_small() -> None:
    assert len(pack(range(1, 100_001))) < 2_000
