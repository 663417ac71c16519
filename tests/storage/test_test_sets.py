from hypothesis import given
from hypothesis import strategies as st

from storage.tables.test_sets import name, pack, unpack, without


@given(st.lists(st.integers(min_value=0, max_value=10**7)))
def test_numbers_come_back_in_their_order(numbers: list[int]) -> None:
    assert unpack(pack(numbers)) == numbers


def test_a_long_run_is_small() -> None:
    assert len(pack(range(20_000))) < 100


def test_a_name_is_of_the_content() -> None:
    assert name(pack([1, 2])) == name(pack([1, 2])) != name(pack([2, 1]))


def test_what_is_excluded_leaves_the_order_of_the_rest() -> None:
    assert without([5, 1, 3, 1], [1]) == [5, 3]
