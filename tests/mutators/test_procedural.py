"""What is proposed: distinct, deterministic, evenly sampled, never broken, never a test."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from mutators.procedural import propose
from storage.records import Bug
from syntax.patch_text import apply_patch
from syntax.patches import encode
from tests.furniture.project import SOURCE
from tests.mutators.own import OWN


def proposed(files: dict[str, bytes], *, seed: int = 0, limit: int | None = None) -> list[Bug]:
    return list(propose("tree", files, {}, seed=seed, max_bugs=limit, compiles=None))


def after(bug: Bug, files: dict[str, bytes]) -> bytes:
    (content,) = apply_patch(bug.patch, files.get).values()
    assert content is not None
    return content


def test_the_same_seed_gives_the_same_bugs_and_another_seed_others() -> None:
    first, again, other = (proposed(OWN, seed=s, limit=60) for s in (3, 3, 4))

    assert [bug.id for bug in first] == [bug.id for bug in again]
    assert {bug.id for bug in first} != {bug.id for bug in other}


def test_a_smaller_sample_is_the_beginning_of_a_larger_one() -> None:
    assert proposed(OWN, limit=20) == proposed(OWN, limit=60)[:20]


def test_no_two_bugs_are_the_same_wound() -> None:
    bugs = proposed({"a.py": SOURCE.encode()})

    assert len(bugs) > 90
    assert len({bug.id for bug in bugs}) == len(bugs)


def test_every_bug_compiles_and_differs_from_the_original_as_a_tree() -> None:
    files = {"a.py": SOURCE.encode(), **dict(islice(OWN.items(), 2))}
    original = {path: ast.dump(ast.parse(data)) for path, data in files.items()}

    for bug in proposed(files):
        broken = after(bug, files)
        compile(broken, bug.origin.path, "exec")
        assert ast.dump(ast.parse(broken)) != original[bug.origin.path]


def test_no_bug_is_made_in_a_test_that_shares_a_file_with_the_code() -> None:
    test = b"\n\ndef test_clamp():\n    values = [-1, 4]\n    assert clamp(values[0], 0, 3) == 0\n"
    files = {"a.py": SOURCE.encode() + test}
    alone = proposed({"a.py": SOURCE.encode()})

    found = list(
        propose(
            "tree",
            files,
            {},
            seed=0,
            max_bugs=None,
            compiles=None,
            tests=("a.py::test_clamp",),
        )
    )

    assert all(test in after(bug, files) for bug in found)
    assert len(found) == len(alone) < len(proposed(files))


def test_the_sample_is_even_over_files_and_operators() -> None:
    bugs = proposed(OWN, limit=len(OWN))

    files = Counter(bug.origin.path for bug in bugs)
    operators = Counter(bug.origin.operator for bug in bugs)
    assert len(files) >= 0.8 * sum(not path.endswith("__init__.py") for path in OWN)
    assert max(files.values()) <= 5
    assert max(operators.values()) <= 8
    assert len(operators) >= 25


def test_a_bug_says_which_entity_and_line_it_is_in() -> None:
    code = b"class A:\n    async def f(self):\n        return 1\n"

    bug = next(b for b in proposed({"a.py": code}) if b.origin.operator == "return-none")

    assert (bug.origin.entity, bug.origin.line) == ("A.f", 3)


@pytest.mark.parametrize("path", ["tests/test_a.py", "pkg/tests/util.py", "conftest.py"])
def test_tests_are_never_touched(path: str) -> None:
    assert proposed({path: SOURCE.encode()}) == []


def test_files_that_are_not_utf8_are_left_alone() -> None:
    assert proposed({"a.py": b"# -*- coding: latin-1 -*-\nx = '\xe9' + y\n"}) == []


def test_what_another_python_does_not_compile_is_not_proposed() -> None:
    asked: list[str] = []

    def compiles(sources: list[str]) -> list[bool]:
        asked.extend(sources)
        return [number % 2 == 0 for number in range(len(sources))]

    files = {"a.py": SOURCE.encode()}
    bugs = list(propose("t", files, {}, seed=0, max_bugs=10, compiles=compiles))

    assert len(bugs) == 10
    assert len(asked) >= 20


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_every_patch_applies_with_git_both_ways(ends: bytes, tmp_path: Path) -> None:
    data = SOURCE.encode().replace(b"\n", ends).rstrip()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    file = tmp_path / "a.py"
    bugs = proposed({"a.py": data}, limit=60)
    assert len(bugs) == 60
    for bug in bugs:
        file.write_bytes(data)
        for flags, content in (((), after(bug, {"a.py": data})), (("-R",), data)):
            subprocess.run(
                ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", *flags, "-"],
                cwd=tmp_path,
                input=encode(bug.patch),
                check=True,
            )
            assert file.read_bytes() == content
