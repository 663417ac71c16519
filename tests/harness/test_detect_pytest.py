"""Arguments for pytest: what the repository says, without what would change our runs."""

from __future__ import annotations

import pytest

from tests.harness.trees import MemoryTree, first, planned, tree


def addopts(text: str, **files: str) -> MemoryTree:
    return tree(pytest_ini=f"[pytest]\ntestpaths = tests\naddopts = {text}\n", **files)


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("-n auto", "xdist"),
        ("-n4", "xdist"),
        ("--dist loadfile", "xdist"),
        ("--numprocesses=auto", "xdist"),
        ("--cov=pkg", "coverage"),
        ("--cov pkg", "coverage"),
        ("--cov-report term-missing", "coverage"),
        ("--no-cov-on-fail", "coverage"),
        ("--randomly-seed=1", "random order"),
        ("--random-order", "random order"),
        ("-p randomly", "random order"),
        ("-x", "stops early"),
        ("--maxfail=1", "stops early"),
        ("-v", "display"),
        ("-q", "display"),
        ("--tb=short", "display"),
        ("-r a", "display"),
        ("--color yes", "display"),
        ("--durations=10", "display"),
        ("-s", "display"),
        ("-l", "display"),
        ("--junitxml=x.xml", "report"),
        ("--html=report.html", "report"),
        ("--timeout=60", "timeout"),
        ("--lf", "depends on earlier runs"),
        ("--ff", "depends on earlier runs"),
        ("--mypy", "linter"),
        ("--unheard-of=1", "of a plugin not known here"),
    ],
)
def test_an_option_that_would_change_our_runs_is_dropped_and_noted(option: str, why: str) -> None:
    plan = first(addopts(option))
    assert plan.pytest_args == ()
    assert plan.notes == (f"addopts: dropped '{option}' ({why})",)


@pytest.mark.parametrize(
    "option",
    [
        "--import-mode=importlib",
        "--doctest-modules",
        "--ignore=tests/slow",
        "-W error",
        "-m 'not slow'",
        "-k 'not network'",
        "-p no:cacheprovider",
        "--strict-markers",
        "--strict-config",
        "-o xfail_strict=true",
    ],
)
def test_an_option_that_says_what_is_tested_is_kept(option: str) -> None:
    plan = first(addopts(option))
    assert " ".join(plan.pytest_args) == option.replace("'", "")
    assert plan.notes == ()


def test_flags_in_one_word_are_sorted_one_by_one() -> None:
    assert first(addopts("-vvxm slow")).pytest_args == ("-m", "slow")


def test_an_option_that_a_conftest_registers_is_kept() -> None:
    conftest = "def pytest_addoption(parser):\n    parser.addoption('--size')\n"
    plan = first(addopts("--size small", tests__conftest_py=conftest))
    assert plan.pytest_args == ("--size", "small")


def test_a_list_in_toml_is_taken_item_by_item() -> None:
    text = '[tool.pytest.ini_options]\ntestpaths = "tests"\naddopts = ["-ra", "-m", "not slow"]\n'
    assert first(tree(pyproject_toml=text)).pytest_args == ("-m", "not slow")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -m a\n"),
        (".pytest.ini", "[pytest]\naddopts = -m a\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-m a"\n'),
        ("pyproject.toml", '[tool.pytest]\naddopts = ["-m", "a"]\n'),
        ("tox.ini", "[pytest]\naddopts = -m a\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = -m a\n"),
    ],
)
def test_every_place_of_pytest_configuration_is_read(path: str, text: str) -> None:
    files = {**tree().files, path: text}
    assert first(MemoryTree(files)).pytest_args == ("-m", "a", "tests")


def test_pytest_ini_goes_before_pyproject() -> None:
    text = '[tool.pytest.ini_options]\naddopts = "-m b"\n'
    plan = first(tree(pytest_ini="[pytest]\naddopts = -m a\n", pyproject_toml=text))
    assert plan.pytest_args == ("-m", "a", "tests")


def test_testpaths_are_left_to_pytest() -> None:
    assert first(tree(pytest_ini="[pytest]\ntestpaths = tests pkg\n")).pytest_args == ()


def test_the_tests_folder_is_collected_when_nothing_is_said() -> None:
    assert first(tree()).pytest_args == ("tests",)


def test_tests_inside_packages_are_collected_from_their_folders() -> None:
    files = {"src/pkg/__init__.py": "", "src/pkg/tests/test_a.py": "", "docs/test_b.py": ""}
    assert first(MemoryTree(files)).pytest_args == ("src/pkg/tests",)


def test_tests_at_the_root_are_found_by_pytest_itself() -> None:
    assert first(MemoryTree({"pkg.py": "", "test_pkg.py": ""})).pytest_args == ()


def test_files_that_only_unittest_finds_are_named_to_pytest() -> None:
    plan = first(MemoryTree({"pkg/__init__.py": "", "tests/testpkg.py": ""}))
    assert plan.pytest_args == ("-o", "python_files=test*.py *tests.py", "tests")


def test_python_files_of_the_configuration_are_believed() -> None:
    files = {"pytest.ini": "[pytest]\npython_files = check_*.py\n", "tests/check_a.py": ""}
    assert first(MemoryTree(files)).pytest_args == ("tests",)


def test_the_command_of_tox_gives_paths_and_options() -> None:
    text = "[testenv]\ncommands = pytest -v --doctest-modules {toxinidir}/pkg tests {posargs}\n"
    plan = first(tree(tox_ini=text))
    assert plan.pytest_args == ("--doctest-modules", "pkg", "tests")
    assert plan.notes == ("tox: dropped '-v' (display)",)


@pytest.mark.parametrize(
    "command",
    [
        "python -m pytest {posargs:tests}",
        "coverage run --source pkg -m pytest tests",
        "py.test tests --basetemp={envtmpdir}",
        "{envpython} -m pytest \\\n    tests",
        "-pytest {tox_root}/tests",
    ],
)
def test_pytest_is_found_however_tox_starts_it(command: str) -> None:
    files = {"tox_ini": f"[testenv]\ncommands =\n    pip list\n    {command}\n"}
    assert first(tree(tests2__test_b_py="", **files)).pytest_args == ("tests",)


def test_an_installed_package_in_a_tox_command_means_its_source() -> None:
    files = {
        "src/pkg/__init__.py": "",
        "tests/test_a.py": "",
        "tox.ini": "[testenv]\ncommands = pytest {envsitepackagesdir}/pkg\n",
    }
    assert first(MemoryTree(files)).pytest_args == ("src/pkg",)


def test_tox_dependencies_are_installed() -> None:
    text = "[testenv]\ndeps =\n  pytest\n  mock>=4\n  -r{toxinidir}/reqs.txt\ncommands = pytest\n"
    plan = first(tree(setup_py="", tox_ini=text, reqs_txt="x\n"))
    assert plan.install == (("-r", "reqs.txt", "pytest", "mock>=4"), ("-e", "."))


def test_tox_with_a_missing_requirements_file_is_not_believed() -> None:
    text = "[testenv]\ndeps = -r gone.txt\ncommands = pytest\n"
    assert first(tree(setup_py="", tox_ini=text)).install == (("-e", "."), ("pytest",))


def test_tox_extras_and_groups_are_installed_when_the_project_has_them() -> None:
    project = '[project]\nname = "pkg"\n[dependency-groups]\nunit = ["pytest"]\n'
    text = "[testenv]\nextras = nowhere\ndependency_groups = unit\ncommands = pytest\n"
    plan = first(tree(pyproject_toml=project, tox_ini=text))
    assert plan.install == (("-e", ".", "--group", "unit"),)


def test_tox_conditions_are_held_against_the_environment_of_the_python() -> None:
    text = """
    [tox]
    envlist = py{39,311}-{old,new}
    [testenv]
    deps =
        pytest
        py39: backport
        old: thing<2
        new: thing>=2
        !py39: recent
    commands = pytest
    """
    plan = first(tree(setup_py="", tox_ini=text))
    assert plan.install[0] == ("pytest", "thing<2", "recent")


def test_a_pattern_of_very_many_tox_environments_costs_little() -> None:
    text = f"[tox]\nenvlist = py{'{1,2}' * 60}\n[testenv]\ndeps = mock\ncommands = pytest\n"
    assert first(tree(tox_ini=text)).install == (("mock",), ("pytest",))


def test_tox_references_to_other_sections_are_followed() -> None:
    text = "[base]\ndeps = pytest\n[testenv]\ndeps = {[base]deps}\n  mock\ncommands = pytest\n"
    assert first(tree(setup_py="", tox_ini=text)).install[0] == ("pytest", "mock")


def test_tox_variables_are_taken_when_they_are_plain() -> None:
    text = "[testenv]\ncommands = pytest\nsetenv =\n  A = 1\n  B = {envdir}\n  COVERAGE_FILE = x\n"
    assert first(tree(tox_ini=text)).env == (("A", "1"),)


def test_tox_in_toml_is_read() -> None:
    text = """
    [project]
    name = "pkg"
    [dependency-groups]
    unit = ["pytest"]
    [tool.tox.env_run_base]
    dependency_groups = ["unit"]
    commands = [["pytest", "-v", {replace = "posargs", default = ["pkg"], extend = true}]]
    """
    plan = first(tree(pyproject_toml=text))
    assert (plan.install, plan.pytest_args) == ((("-e", ".", "--group", "unit"),), ("pkg",))


def test_a_plugin_that_shuffles_tests_is_switched_off() -> None:
    text = '[project]\nname = "p"\n[dependency-groups]\ntest = ["pytest", "pytest-randomly"]\n'
    assert first(tree(pyproject_toml=text)).pytest_args == ("-p", "no:randomly", "tests")


def test_a_suite_whose_warnings_are_errors_gets_a_lenient_plan_too() -> None:
    ini = "[pytest]\ntestpaths = tests\nfilterwarnings =\n  error\n  ignore::UserWarning\n"
    assert ("-W", "default") in [plan.pytest_args for plan in planned(tree(pytest_ini=ini))]


@pytest.mark.parametrize(
    "option",
    ["--doctest-modules", "--doctest-glob=*.md", "--doctest-glob '*.rst'", "--doctest-plus"],
)
def test_doctests_outside_of_the_tests_folder_are_kept(option: str) -> None:
    text = f"[pytest]\naddopts = {option}\n"
    made = planned(tree(pytest_ini=text, README_md=">>> 1\n1\n"))
    assert " ".join(made[0].pytest_args) == option.replace("'", "")
    assert made[1].pytest_args == ("tests",)


def test_doctests_are_collected_from_the_paths_that_are_said() -> None:
    assert first(addopts("--doctest-modules pkg")).pytest_args == ("--doctest-modules", "pkg")
    assert first(addopts("--doctest-glob=*.md")).pytest_args == ("--doctest-glob=*.md",)


def test_doctests_that_only_a_command_asks_for_are_kept() -> None:
    found = tree(tox_ini="[testenv]\ncommands = pytest --doctest-modules\n")
    assert first(found).pytest_args == ("--doctest-modules",)
