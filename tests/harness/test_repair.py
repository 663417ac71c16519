"""From a failure to the next plan: each rule changes what the failure speaks of, and no more."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.environments.repair import repairs
from harness.environments.repair_context import Provider, RepairContext
from storage.records import Plan

PLAN = Plan(name="first", python="3.11", install=(("-r", "dev.txt", "mock"), ("-e", ".", "pytest")))
MISSING = "ModuleNotFoundError: No module named 'yaml'"
TODAY = date(2026, 6, 1)


def known(**values: Any) -> RepairContext:
    return RepairContext(today=TODAY, pythons=("3.11", "3.12", "3.9"), project="shop", **values)


def after(reason: str, detail: str, *, plan: Plan = PLAN, **values: Any) -> list[Plan]:
    return list(repairs(plan, reason, detail, known(**values)))


def test_a_well_known_module_is_installed() -> None:
    (found,) = after("no-tests", "E   ModuleNotFoundError: No module named 'yaml'")
    assert found.install == (*PLAN.install, ("pyyaml",))
    assert found.because == "yaml cannot be imported"
    assert found.name == "first, with pyyaml"


def test_a_module_nobody_names_is_not_looked_for_on_the_index() -> None:
    detail = "ModuleNotFoundError: No module named 'strangers_thing'"
    assert after("no-tests", detail) == []
    (found,) = after("no-tests", detail, mentions=lambda name: name == "strangers-thing")
    assert found.install[-1] == ("strangers-thing",)


def test_a_module_of_the_tree_is_not_installed() -> None:
    assert after("no-tests", MISSING, own={"yaml"}) == []


def test_a_header_brings_its_package_where_packages_can_be_had() -> None:
    log = "a.c:1:10: fatal error: ffi.h: No such file or directory\nerror: Failed to build `cffi`"
    found = after("install-failed", log, system=True)[0]
    assert found.system == ("libffi-dev",)
    assert all(not plan.system for plan in after("install-failed", log, system=False))


def test_drifted_dependencies_are_taken_as_of_the_commits_day() -> None:
    detail = "E   DeprecationWarning: The anyio.abc.BlockingPortal alias is deprecated"
    dated, lenient = after("no-tests", detail, committed="2025-08-24T08:06:35+01:00")
    assert dated.exclude_newer == "2025-08-25"
    assert dated.install == PLAN.install
    assert lenient.pytest_args == ("-W", "default")


def test_a_failure_without_a_known_cause_is_tried_as_of_the_commits_day() -> None:
    (found,) = after("too-few-pass", "30 x assert 1 == 2", committed="2025-08-24")
    assert found.exclude_newer == "2025-08-25"


def test_a_commit_of_these_days_has_no_older_dependencies() -> None:
    assert after("too-few-pass", "30 x assert 1 == 2", committed="2026-05-30") == []
    assert after("too-few-pass", "30 x assert 1 == 2", committed="") == []


def test_a_group_that_is_not_there_is_left_out() -> None:
    plan = Plan(name="first", python="3.11", install=(("-e", ".", "--group", "nope"),))
    (found,) = after("install-failed", "dependency group 'nope' was not found", plan=plan)
    assert found.install == (("-e", "."),)


def test_a_distribution_that_cannot_be_built_is_taken_out_of_the_file_that_names_it() -> None:
    found = after(
        "install-failed",
        "error: Failed to build `psycopg2==2.8`",
        read_requirements=lambda path: ("pytest", "psycopg2==2.8", "six>=1"),
    )[0]
    assert found.install == (("pytest", "six>=1", "mock"), ("-e", ".", "pytest"))


def test_what_comes_from_a_repository_out_of_reach_is_taken_from_the_index() -> None:
    plan = Plan(name="first", python="3.11", install=(("-e", ".", "--group", "test"),))
    found = after(
        "install-failed",
        "error: Failed to download and build `hypercorn @ git+https://host/x@y`\n"
        "fatal: unable to access 'https://host/x/': Could not resolve host: host",
        plan=plan,
        read_group=lambda name: ("pytest", "hypercorn @ git+https://host/x@y"),
    )[0]
    assert found.install == (("-e", ".", "pytest", "hypercorn"),)


def test_the_project_itself_is_never_left_out() -> None:
    assert after("install-failed", "error: Failed to build `shop @ file:///testbed`") == []


def test_what_contradicts_each_other_is_installed_one_after_the_other() -> None:
    found = after("install-failed", "your requirements are unsatisfiable")[0]
    assert found.install == (("-r", "dev.txt"), ("mock",), ("pytest",), ("-e", "."))


def test_a_build_that_imports_what_it_does_not_ask_for_gets_it() -> None:
    found = after("install-failed", "ModuleNotFoundError: No module named 'numpy'")[0]
    assert found.install[0] == ("setuptools<81", "wheel", "numpy")
    assert all(step[0] == "--no-build-isolation" for step in found.install[1:])


def test_a_build_whose_companion_wants_the_web_goes_without_it() -> None:
    found = after(
        "install-failed",
        "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>",
        build_requires=("setuptools>=77", "coherent.licensed"),
    )[0]
    assert found.install[0] == ("setuptools>=77", "wheel", "setuptools-scm")
    assert found.install[-1] == ("--no-build-isolation", "-e", ".", "pytest")


def test_another_python_is_taken_where_the_project_asks_for_it() -> None:
    found = after("install-failed", "does not satisfy Python>=3.12 and shop depends on it")[0]
    assert found.python == "3.12"


def test_an_older_python_is_taken_for_what_was_removed() -> None:
    detail = "ImportError: cannot import name 'Mapping' from 'collections'"
    assert "3.9" in [plan.python for plan in after("no-tests", detail)]


def test_a_missing_plugin_is_installed() -> None:
    assert after("too-few-pass", "40 x fixture 'mocker' not found")[0].install[-1] == (
        "pytest-mock",
    )


def test_an_option_that_nobody_knows_is_dropped() -> None:
    plan = Plan(name="first", python="3.11", install=(), pytest_args=("--strange=1", "tests"))
    (found,) = after("no-tests", "unrecognized arguments: --strange", plan=plan)
    assert found.pytest_args == ("tests",)


def test_a_test_module_that_ends_pytest_is_ignored() -> None:
    detail = "INTERNALERROR> \n/testbed/tests/test_gui.py:3: SystemExit: 1"
    assert after("no-tests", detail)[0].pytest_args == ("--ignore=tests/test_gui.py",)


def test_a_repair_is_not_made_twice() -> None:
    (found,) = after("no-tests", MISSING)
    assert after("no-tests", MISSING, plan=found) == []


@pytest.mark.parametrize(
    ("line", "installed", "pin"),
    [
        (
            "5 x error: fixture 'event_loop' not found",
            {"pytest-asyncio": "1.3.0"},
            "pytest-asyncio<1",
        ),
        (
            "ScopeMismatch: You tried to access the function scoped fixture "
            "_function_scoped_runner with a session scoped request object",
            {"pytest-asyncio": "1.1.0", "pytest": "9.0.1"},
            "pytest-asyncio<1",
        ),
        (
            "pytest.PytestRemovedIn9Warning: The (path: py.path.local) argument is deprecated",
            {"pytest": "9.0.1"},
            "pytest<9",
        ),
        (
            "AttributeError: module 'pytest' has no attribute 'PytestRemovedIn8Warning'",
            {"pytest": "9.0.1"},
            "pytest<9",
        ),
        (
            "ImportError: cannot import name 'x' from '_pytest.compat'",
            {"pytest": "8.4"},
            "pytest<8",
        ),
        ("ModuleNotFoundError: No module named '_pytest.tmpdir2'", {"pytest": "9.0"}, "pytest<9"),
        (
            "PluginValidationError: unknown hook 'pytest_warning_captured' in plugin <module>",
            {"pytest": "9.0"},
            "pytest<9",
        ),
        (
            "Argument(s) {'path'} are declared in the hookimpl but can not be found in "
            "the hookspec",
            {"pytest": "9.0"},
            "pytest<9",
        ),
        ("AttributeError: 'Package' object has no attribute 'obj'", {"pytest": "8.2"}, "pytest<8"),
        ("Failed: Marks cannot be applied to fixtures.", {"pytest": "9.0"}, "pytest<9"),
        ("unrecognized arguments: --snapshot-foo", {"syrupy": "5.0.0"}, "syrupy<5"),
    ],
)
def test_a_major_that_is_too_new_is_pinned_below(
    line: str, installed: dict[str, str], pin: str
) -> None:
    found = after("no-tests", line, installed=installed)[0]
    assert found.install == (*PLAN.install, (pin,))
    assert found.because


def test_a_major_that_comes_later_is_no_reason_for_a_pin() -> None:
    line = "pytest.PytestRemovedIn9Warning: The (path: py.path.local) argument is deprecated"
    assert [plan.name for plan in after("no-tests", line, installed={"pytest": "8.4"})] == [
        "first, warnings allowed"
    ]


def test_a_plugin_that_is_installed_is_not_installed_again() -> None:
    line = "30 x failed: async def functions are not natively supported."
    (found,) = after("too-few-pass", line, installed={"pytest-asyncio": "0.26"})
    assert found.pytest_args == ("-o", "asyncio_mode=auto")
    (found,) = after("too-few-pass", line)
    assert found.install[-1] == ("pytest-asyncio",)
    assert after("no-tests", MISSING, installed={"pyyaml": "6.0"}) == []


def test_an_extra_that_brings_a_missing_module_is_installed() -> None:
    extra = Provider(kind="extra", name="config", requirements=("pyyaml>=6",))
    (found,) = after("no-tests", MISSING, providers=(extra,))
    assert found.install == (PLAN.install[0], ("-e", ".[config]", "pytest"))
