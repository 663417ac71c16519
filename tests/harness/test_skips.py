"""Why tests are skipped, and what of the repository's own lists brings them back."""

from __future__ import annotations

import pytest

from harness.environments.providers import find_distribution, install_provided
from harness.environments.repair_context import Provider, RepairContext
from harness.environments.repair_facts import gather_known_facts
from harness.environments.skips import (
    SkipReason,
    answer_skips,
    describe_skips,
    find_missing_distributions,
    read_skips,
)
from harness.runs.suite import Result, SuiteRun
from storage.records import Plan
from tests.harness.failing import REPOSITORY
from tests.harness.test_repair import TODAY
from tests.harness.trees import MemoryTree, tree

FAST = Provider(kind="extra", name="fast", requirements=("speedy>=2", "pyyaml"))
EVERY = Provider(kind="extra", name="all", requirements=("speedy", "pyyaml", "lxml", "heavy"))
DOCS = Provider(kind="extra", name="docs", requirements=("sphinx", "lxml"), is_whole=False)
UNIT = Provider(kind="group", name="unit", requirements=("pytest", "numpy"))
FILE = Provider(kind="list", name="dev.txt", requirements=("rich==13", "black"))
PLAN = Plan(name="first", python="3.11", install=(("pytest",), ("-e", ".[test]")))


def known(*providers: Provider, **values: object) -> RepairContext:
    made = providers or (FAST, EVERY, DOCS, UNIT, FILE)
    return RepairContext(today=TODAY, providers=made, project="shop", **values)  # type: ignore[arg-type]


def skipped(reason: str, path: str = "tests/test_it.py", count: int = 1) -> SkipReason:
    return SkipReason(path=path, reason=reason, count=count)


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("could not import 'speedy': No module named 'speedy'", ("speedy",)),
        ("could not import 'speedy.core': No module named 'speedy'", ("speedy",)),
        ("could not import 'yaml': No module named 'yaml'", ("pyyaml",)),
        ("could not import 'hypothesis': No module named 'hypothesis'", ("hypothesis",)),
        ("No module named 'numpy'", ("numpy",)),
        ("requires NumPy", ("numpy",)),
        ("speedy is not installed", ("speedy",)),
        ("no numpy", ("numpy",)),
        ("needs rich and lxml", ("rich", "lxml")),
        ("PyYAML missing", ("pyyaml",)),
        ("install shop[fast] to run this", ("pyyaml", "speedy")),
        ("requires the 'fast' extra", ("pyyaml", "speedy")),
        ("could not import 'stranger': No module named 'stranger'", ()),
        ("could not import 'winreg': No module named 'winreg'", ()),
        ("only on Windows", ()),
        ("numpy 2 broke this", ()),
        ("", ()),
    ],
)
def test_a_reason_names_what_is_missing(reason: str, wanted: tuple[str, ...]) -> None:
    assert find_missing_distributions(skipped(reason), known()) == wanted


def test_what_is_installed_is_not_missing() -> None:
    context = known(installed={"numpy": "2.0"})
    assert find_missing_distributions(skipped("requires numpy"), context) == ()


def test_the_project_is_installed_already() -> None:
    whole = Provider(kind="extra", name="all", requirements=("shop[fast]", "speedy"))
    for reason in ("could not import 'shop._speedups'", "requires shop"):
        assert find_missing_distributions(skipped(reason), known(whole, own={"shop"})) == ()


def test_a_reason_without_a_name_is_read_in_its_file() -> None:
    context = known(optional_imports=lambda path: ("speedy", "os", "stranger"))
    assert find_missing_distributions(skipped("optional dependency missing"), context) == (
        "speedy",
    )
    assert find_missing_distributions(skipped("tests of speedy"), context) == ("speedy",)
    assert find_missing_distributions(skipped("slow"), context) == ()


def test_a_module_of_the_tree_is_not_installed() -> None:
    context = known(own={"shop", "lxml", "hypothesis"})
    reason = skipped("could not import 'hypothesis': No module named 'hypothesis'")
    assert find_missing_distributions(reason, context) == ()
    assert find_missing_distributions(skipped("could not import 'lxml'"), context) == ("lxml",)


def test_the_smallest_extra_that_brings_it_is_installed() -> None:
    (plan,) = answer_skips(PLAN, [skipped("could not import 'speedy': …")], known())
    assert plan.install == (("pytest",), ("-e", ".[fast,test]"))
    assert plan.name == "first, with extra 'fast'"
    assert plan.because.startswith("tests of tests/test_it.py are skipped: could not import")


@pytest.mark.parametrize(
    ("reason", "added"),
    [
        ("requires numpy", "group 'unit'"),
        ("requires rich", "rich"),
        ("requires sphinx", "sphinx"),
        ("could not import 'hypothesis'", "hypothesis"),
    ],
)
def test_extras_groups_and_files_are_asked(reason: str, added: str) -> None:
    (plan,) = answer_skips(PLAN, [skipped(reason)], known())
    assert plan.name == f"first, with {added}"


def test_a_file_gives_the_one_requirement_with_its_version() -> None:
    (plan,) = answer_skips(PLAN, [skipped("requires rich")], known())
    assert plan.install[-1] == ("rich==13",)


def test_a_group_is_added_to_the_step_of_the_package() -> None:
    assert install_provided(PLAN.install, ["numpy"], known())[0] == (
        ("pytest",),
        ("-e", ".[test]", "--group", "unit"),
    )


def test_a_package_that_is_not_installed_gets_the_requirements_themselves() -> None:
    steps, _ = install_provided((("pytest",),), ["speedy"], known(FAST))
    assert steps == (("pytest",), ("speedy>=2",))


def test_what_cannot_be_had_together_is_tried_alone() -> None:
    skips = [skipped("requires numpy", count=3), skipped("requires speedy")]
    names = [plan.name for plan in answer_skips(PLAN, skips, known())]
    assert names == [
        "first, with extra 'fast' group 'unit'",
        "first, with group 'unit'",
        "first, with extra 'fast'",
    ]


def test_nothing_is_planned_where_nothing_is_missing() -> None:
    assert answer_skips(PLAN, [skipped("only on Windows", count=90)], known()) == ()


def test_skips_of_tests_and_of_whole_modules_are_read() -> None:
    run = SuiteRun(
        results={
            "tests/test_a.py::one": Result(outcome="skipped", detail="slow"),
            "tests/test_a.py::two": Result(outcome="skipped", detail="slow"),
            "tests/test_a.py::three": Result(outcome="passed"),
        },
        collected=(),
        collect_skips=(("tests/test_b.py", "could not import 'speedy'"),),
    )
    skips = read_skips(run)
    assert skips == (
        SkipReason(path="tests/test_a.py", reason="slow", count=2),
        SkipReason(path="tests/test_b.py", reason="could not import 'speedy'"),
    )
    assert describe_skips(skips).splitlines()[0] == "2 x slow (tests/test_a.py)"
    more = describe_skips([*skips, skipped("slow"), skipped("slow", "tests/test_c.py")])
    assert more.splitlines()[0] == "4 x slow (tests/test_a.py and 2 more files)"


def test_very_many_reasons_are_counted_and_not_listed() -> None:
    skips = [skipped(f"reason {number}") for number in range(50)]
    assert describe_skips(skips).splitlines()[-1] == "and 30 reasons more"


def test_the_lists_of_a_repository_are_its_providers() -> None:
    text = """
    [build-system]
    requires = ["setuptools"]
    [project]
    name = "pkg"
    [project.optional-dependencies]
    fast = ["speedy"]
    docs = ["sphinx"]
    [dependency-groups]
    unit = ["pytest"]
    [tool.pdm.dev-dependencies]
    more = ["rich"]
    """
    files = {
        **tree(pyproject_toml=text).files,
        "dev-requirements.txt": "black==24  # style\n-r other.txt\n",
        "tests/test_opt.py": """
            import pytest
            try:
                import speedy
                from rich import print
            except ImportError:
                speedy = None
            yaml = pytest.importorskip("yaml")
            """,
    }
    facts = gather_known_facts(
        MemoryTree(files), REPOSITORY, pythons=("3.11",), system=False, today=TODAY
    )
    assert [(each.kind, each.name, each.is_whole) for each in facts.providers] == [
        ("extra", "fast", True),
        ("extra", "docs", False),
        ("group", "unit", True),
        ("list", "pdm group 'more'", False),
        ("list", "dev-requirements.txt", False),
    ]
    assert facts.providers[-1].requirements == ("black==24",)
    assert facts.optional_imports("tests/test_opt.py") == ("speedy", "rich", "yaml")
    assert find_distribution("speedy", facts) == "speedy"
