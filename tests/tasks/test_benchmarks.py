from __future__ import annotations

import re

import pytest

from storage.records import Repository
from tasks.benchmarks import Overlap, deny_list
from tasks.declared import read_declared

MARSHMALLOW = "f1aa25bcf83eb77eb6476c678d4375039127679a"


def overlap(owner: str, name: str, *, root: str = "", package: str = "") -> Overlap | None:
    repository = Repository(
        owner=owner, name=name, commit="c" * 40, tree="t" * 40, source="x", root=root
    )
    return deny_list().match(repository, package)


@pytest.mark.parametrize(
    ("owner", "name", "known", "by"),
    [
        ("marshmallow-code", "marshmallow", "marshmallow-code/marshmallow", "name"),
        ("Django", "Django", "django/django", "name"),
        ("PyCQA", "pylint", "pylint-dev/pylint", "former-name"),
        ("pypi", "Scikit_Learn", "scikit-learn/scikit-learn", "package"),
        ("pypi", "coverage", "nedbat/coveragepy", "package"),
    ],
)
def test_a_repository_of_a_benchmark_is_known(owner: str, name: str, known: str, by: str) -> None:
    found = overlap(owner, name)

    assert found is not None
    assert (found.name, found.by) == (known, by)


def test_a_fork_under_another_name_is_known_by_its_first_commit() -> None:
    found = overlap("me", "candy", root=MARSHMALLOW)

    assert found == Overlap(
        name="marshmallow-code/marshmallow", benchmarks=("swe-bench-dev",), by="root"
    )


def test_a_copy_without_history_is_known_by_its_package() -> None:
    files = {"pyproject.toml": b'[project]\nname = "Marshmallow"\n'}
    found = overlap("local", "candy", package=read_declared(files.get).name)

    assert found is not None
    assert str(found) == ("marshmallow-code/marshmallow is in swe-bench-dev (known by its package)")


@pytest.mark.parametrize(
    ("owner", "name"), [("jd", "tenacity"), ("pypi", "itsdangerous"), ("me", "django"),
                        ("pypi", "marked"), ("local", "flask")]
)  # fmt: skip
def test_others_are_not(owner: str, name: str) -> None:
    assert overlap(owner, name) is None


def test_every_benchmark_says_where_its_repositories_were_read() -> None:
    known = deny_list()
    used = {name for row in known.names.values() for name in row["benchmarks"]}

    assert used == set(known.benchmarks)
    for told in known.benchmarks.values():
        assert told["what"]
        for source in told["sources"]:
            read = re.fullmatch(r"\d{4}-\d\d-\d\d", source.get("read", ""))
            assert read or source["note"]
            assert len(source.get("commit", "0" * 40)) == 40


def test_no_two_repositories_share_a_name_or_a_first_commit() -> None:
    known = deny_list()
    roots = [row["root"] for row in known.names.values() if row["root"]]

    assert len(set(roots)) == len(roots) == len(known.roots)
    assert all(re.fullmatch(r"[0-9a-f]{40}", root) for root in roots)
    assert not set(known.names) & set(known.former)
