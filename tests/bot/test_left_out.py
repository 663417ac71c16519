"""What a run passed over is counted and named: files, submodules, tests, pull requests."""

from __future__ import annotations

from pathlib import Path

from forge.pulls.outcomes import list_passed_over
from forge.run.context import Context
from forge.run.left_out import LeftOut, describe_left_out, list_left_out
from forge.run.preparation import Ready
from harness.detect.config import Overrides
from harness.environments.baseline import NOT_COLLECTED
from harness.environments.trials import PreparedEnvironment
from mutators.transcription import transcribe
from storage.folder_files import LINK
from storage.records import (
    Baseline,
    BaselineTest,
    Environment,
    Mirroring,
    Plan,
    PullRequest,
    Repository,
)
from storage.store import Store
from storage.trees import Trees
from tests.harness.plain import PlainBackend

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"
FILES = {
    ".gitattributes": b"*.bin filter=lfs\n",
    ".gitmodules": b'[submodule "sub"]\n\tpath = libs/sub\n\turl = ../sub\n',
    "shop/__init__.py": b"",
    "shop/core.py": b"def f():\n    return 1\n",
    "shop/wide.py": "x = 1\n".encode("utf-16"),
    "shop/odd.py": b"# coding: klingon\n",
    "shop/_vendor/six.py": b"x = 1\n",
    "shop/api_pb2.py": b"x = 1\n",
    "shop/slow.py": b"x = 1\n",
    "shop/link.py": b"core.py",
    "docs/conf.py": b"x = 1\n",
    "tests/test_core.py": b"def test_f():\n    pass\n",
    "data.bin": POINTER,
}


def make_run(tmp_path: Path) -> tuple[Context, Ready, Trees]:
    """A repository with something of each kind."""
    trees = Trees(tmp_path / "cache")
    empty = trees.snapshot(tmp_path / "cache" / "none")
    tree = trees.with_changes(empty, FILES, {"shop/link.py": LINK})
    repository = Repository(owner="me", name="shop", commit=tree, tree=tree, source="shop")
    environment = Environment(
        tree=tree,
        sandbox="local",
        plan=Plan(name="p", python="3.11", install=()),
        python="3.11.0",
        lock="",
        base="",
        arch="",
        handle="",
    )
    tests = (
        BaselineTest(id="t::a", outcome="passed", seconds=0.1),
        BaselineTest(id="t::b", outcome="failed", seconds=0.1),
        BaselineTest(id="t::c", outcome="passed", seconds=0.1, set_aside="company-only"),
        BaselineTest(id="t/x.py", outcome="missing", seconds=0, set_aside=NOT_COLLECTED),
    )
    baseline = Baseline(environment=environment.id, tests=tests, seconds=1, runs=2)
    overrides = Overrides(exclude=("shop/slow.py",))
    ready = Ready(
        repository=repository,
        backend=PlainBackend(tmp_path, tmp_path),
        prepared=PreparedEnvironment(environment=environment, baseline=baseline),
        overrides=overrides,
    )
    files = {path: data for path, data in FILES.items() if path.startswith("shop/")}
    del files["shop/slow.py"], files["shop/link.py"]
    context = Context(
        repository=repository,
        environment=environment,
        files=files,
        modes={},
        seed=0,
        max_bugs=1,
        operators=None,
        compiles=None,
        transcription=transcribe(files),
    )
    return context, ready, trees


def test_all_that_was_left_out_is_named_by_kind_and_reason(tmp_path: Path) -> None:
    (tmp_path / "cache" / "none").mkdir(parents=True)
    context, ready, trees = make_run(tmp_path)

    found = {(each.kind, each.reason): each.names for each in list_left_out(context, ready, trees)}

    assert found.pop(("submodule", "not fetched")) == ("libs/sub",)
    assert found.pop(("LFS file", "a pointer")) == ("data.bin",)
    assert found.pop(("test file", "not-collected")) == ("t/x.py",)
    assert found.pop(("test", "failed")) == ("t::b",)
    assert found.pop(("test", "company-only")) == ("t::c",)
    sources = {names: reason for (_, reason), names in found.items()}
    assert {kind for kind, _ in found} == {"source file"}
    assert sources.pop(("docs/conf.py",)).startswith("documentation")
    assert sources.pop(("shop/_vendor/six.py",)) == "vendored"
    assert sources.pop(("shop/api_pb2.py",)) == "generated"
    assert sources.pop(("shop/slow.py",)) == "excluded by its settings"
    assert sources.pop(("shop/link.py",)) == "a link"
    assert sources.pop(("shop/odd.py",)) == "encoding (unknown encoding: klingon)"
    assert sources.pop(("shop/wide.py",)).startswith("encoding (")
    assert sources == {}


def test_pull_requests_without_a_bug_are_named_by_what_became_of_them(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        for number, outcome, bug in (
            (1, "no-source", ""),
            (2, "undone", "b"),
            (0, "no-source", ""),
        ):
            commit = f"{number}" * 40
            store.pulls.add(
                [PullRequest(repository="me/shop", commit=commit, base="0" * 40, number=number)],
                [],
            )
            store.pulls.set_outcome(
                Mirroring(tree="t", repository="me/shop", commit=commit, outcome=outcome, bug=bug)
            )

        found = list_passed_over(store.pulls, "me/shop", "t")

    assert [(each.kind, each.reason) for each in found] == [("pull request", "no-source")]
    assert sorted(found[0].names) == ["#1", "0000000000"]


def test_many_are_counted_and_some_are_named() -> None:
    names = tuple(f"a{number}.py" for number in range(9))

    told = describe_left_out(LeftOut(kind="source file", reason="vendored", names=names))

    assert told == "9 source files left out, vendored: a0.py, a1.py, a2.py and 6 more"
