"""Families of repositories: forks and mirrors are never in two splits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.export.splits import SPLITS, Relative, families, splits

FILES = frozenset(f"blob{n}" for n in range(20))
NAMES = st.text("abcdefgh", min_size=3, max_size=6)


def repository(tree: str, name: str, files: frozenset[str] = frozenset()) -> Relative:
    return Relative(tree=tree, name=name, files=files)


def test_a_fork_is_known_by_its_name_and_a_renamed_one_by_its_files() -> None:
    found = families(
        [
            repository("1", "pallets/click", FILES),
            repository("2", "someone/Click"),
            repository("3", "else/clack", frozenset([*list(FILES)[:10], "own"])),
            repository("4", "pallets/flask", frozenset({"other"})),
        ]
    )

    assert found["1"] == found["2"] == found["3"]
    assert found["4"] not in (found["1"], "")


def test_a_few_common_files_make_no_family() -> None:
    licence = frozenset({"licence", "empty"})
    found = families([repository("1", "a/one", licence), repository("2", "b/two", licence)])
    assert found["1"] != found["2"]


@given(st.lists(NAMES, min_size=1, max_size=30, unique=True), st.randoms())
def test_a_family_stays_where_it_is(names: list[str], chance: object) -> None:
    repositories = [repository(name, f"x/{name}") for name in names]
    whole = splits(repositories)
    some = splits(repositories[: len(names) // 2 + 1])

    assert set(whole.values()) <= set(SPLITS)
    assert {tree: whole[tree] for tree in some} == some
    assert splits(reversed(repositories)) == whole


def test_many_families_are_spread() -> None:
    places = list(splits(repository(str(n), f"x/name{n}") for n in range(400)).values())
    assert 50 < places.count("test") < 110
    assert 20 < places.count("validation") < 65
