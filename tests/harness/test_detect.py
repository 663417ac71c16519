"""From a repository's files to plans, best guess first."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.detect import FolderTree, plans
from harness.detect.config import Overrides
from storage.errors import EnvironmentFailed
from tests.harness.trees import MemoryTree, first, planned, tree

PROJECT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "pkg"
version = "1"
"""


def steps(repository: MemoryTree) -> list[str]:
    return [" ".join(step) for step in first(repository).install]


def test_a_tree_without_packaging_gets_pytest_alone() -> None:
    assert steps(tree()) == ["pytest"]


def test_a_tree_without_python_has_no_plan() -> None:
    assert planned(MemoryTree({"README.md": "hello"})) == ()


def test_a_package_without_declared_tests_is_installed_with_pytest() -> None:
    assert steps(tree(pyproject_toml=PROJECT)) == ["-e .", "pytest"]


@pytest.mark.parametrize("name", ["test", "tests", "testing"])
def test_an_extra_named_for_tests_is_installed(name: str) -> None:
    text = PROJECT + f'[project.optional-dependencies]\n{name} = ["pytest"]\ndocs = ["sphinx"]\n'
    assert steps(tree(pyproject_toml=text)) == [f"-e .[{name}]"]


def test_pytest_is_added_when_the_extra_does_not_bring_it() -> None:
    text = PROJECT + '[project.optional-dependencies]\ntest = ["mock"]\n'
    assert steps(tree(pyproject_toml=text)) == ["-e .[test]", "pytest"]


def test_an_extra_that_includes_another_brings_what_that_brings() -> None:
    text = PROJECT + '[project.optional-dependencies]\ntest = ["pkg[x]"]\nx = ["pytest"]\n'
    assert steps(tree(pyproject_toml=text)) == ["-e .[test]"]


def test_extras_that_include_each_other_end() -> None:
    text = PROJECT + '[project.optional-dependencies]\ntest = ["pkg[x]"]\nx = ["pkg[test]"]\n'
    assert steps(tree(pyproject_toml=text)) == ["-e .[test]", "pytest"]


def test_a_dependency_group_is_installed_with_its_included_groups_known() -> None:
    text = PROJECT + '[dependency-groups]\nt = ["pytest"]\ntests = [{include-group = "t"}]\n'
    assert steps(tree(pyproject_toml=text)) == ["-e . --group tests"]


@pytest.mark.parametrize(
    "groups",
    [
        'tests = [{include-group = "more"}]\nmore = [{include-group = "tests"}, "pytest"]',
        'tests = ["pytest", {include-group = "nowhere"}]',
        'tests = ["pytest", "-e ."]',
        'tests = ["pytest"]\nTests = ["pytest"]',
        'tests = "pytest"',
    ],
)
def test_malformed_dependency_group_is_left_out(groups: str) -> None:
    text = f"{PROJECT}[dependency-groups]\n{groups}\n"
    assert steps(tree(pyproject_toml=text)) == ["-e .", "pytest"]


def test_a_group_for_tests_goes_before_one_for_development() -> None:
    text = PROJECT + '[dependency-groups]\ndev = ["pytest", "ruff"]\ntests = ["pytest"]\n'
    assert steps(tree(pyproject_toml=text)) == ["-e . --group tests"]


def test_a_dev_group_without_pytest_comes_after_the_package_alone() -> None:
    text = PROJECT + '[dependency-groups]\ndev = ["sphinx"]\n'
    found = [plan.name for plan in planned(tree(pyproject_toml=text))]
    assert found[:2] == ["package alone", "group 'dev'"]


def test_poetry_groups_are_passed_as_plain_requirements() -> None:
    text = """
    [tool.poetry]
    name = "pkg"
    [tool.poetry.dependencies]
    python = "^3.9"
    [tool.poetry.group.test.dependencies]
    pytest = "^8.1"
    mock = {version = "~5.0", python = "<3.13"}
    """
    assert first(tree(pyproject_toml=text)).install == (
        ("pytest>=8.1,<9", "mock>=5.0,<5.1 ; (python_version < '3.13')"),
        ("-e", "."),
    )


def test_pdm_dev_dependencies_are_passed_as_plain_requirements() -> None:
    text = PROJECT + '[tool.pdm.dev-dependencies]\ntest = ["pytest>=8", "-e file:///x"]\n'
    assert steps(tree(pyproject_toml=text)) == ["pytest>=8", "-e ."]


def test_hatch_environment_dependencies_are_passed_as_plain_requirements() -> None:
    text = PROJECT + '[tool.hatch.envs.test]\ndependencies = ["pytest", "{root:uri}/x"]\n'
    assert steps(tree(pyproject_toml=text)) == ["pytest", "-e ."]


def test_old_flit_metadata_gives_extras() -> None:
    text = """
    [build-system]
    requires = ["flit"]
    [tool.flit.metadata]
    module = "pkg"
    [tool.flit.metadata.requires-extra]
    test = ["pytest"]
    """
    assert steps(tree(pyproject_toml=text)) == ["-e .[test]"]


def test_a_project_that_is_no_package_is_not_installed() -> None:
    text = '[project]\nname = "pkg"\n[tool.uv]\npackage = false\n'
    assert steps(tree(pyproject_toml=text)) == ["pytest"]


def test_setup_cfg_gives_extras() -> None:
    text = "[metadata]\nname = pkg\n[options.extras_require]\ntest =\n  pytest\n  mock\n"
    assert steps(tree(setup_cfg=text, setup_py="import setuptools")) == ["-e .[test]"]


def test_setup_py_is_read_and_never_run(tmp_path: Path) -> None:
    text = f"""
    open({str(tmp_path / "ran")!r}, "w")
    from setuptools import setup
    base = ["pytest"]
    extras = dict(docs=["sphinx"])
    extras["tests"] = base + ["mock"]
    setup(name="pkg", extras_require=extras)
    """
    assert steps(tree(setup_py=text)) == ["-e .[tests]"]
    assert not (tmp_path / "ran").exists()


def test_tests_require_of_setup_py_is_installed() -> None:
    text = "from setuptools import setup\nsetup(name='pkg', tests_require=['pytest', 'mock'])\n"
    assert steps(tree(setup_py=text)) == ["pytest mock", "-e ."]


def test_extras_of_setup_py_do_not_count_when_pyproject_is_static() -> None:
    text = "from setuptools import setup\nsetup(extras_require={'test': ['pytest']})\n"
    assert steps(tree(pyproject_toml=PROJECT, setup_py=text)) == ["-e .", "pytest"]


@pytest.mark.parametrize(
    "path",
    [
        "requirements-test.txt",
        "requirements_tests.txt",
        "requirements/tests.txt",
        "test-requirements.txt",
        "tests/requirements.txt",
        "test_requirements.in",
    ],
)
def test_a_requirements_file_for_tests_is_installed(path: str) -> None:
    files = {**tree(pyproject_toml=PROJECT).files, path: "pytest==8.0\n"}
    assert steps(MemoryTree(files)) == [f"-r {path}", "-e ."]


def test_a_file_that_includes_a_missing_one_is_not_proposed() -> None:
    text = "-r missing.txt\npytest\n"
    found = planned(tree(pyproject_toml=PROJECT, requirements__tests_txt=text))
    assert not any("-r" in step for plan in found for step in plan.install)


def test_a_root_requirements_file_with_pytest_goes_first() -> None:
    found = planned(tree(pyproject_toml=PROJECT, requirements_txt="-e .\npytest==8.0\n"))
    assert found[0].install == (("-r", "requirements.txt"), ("-e", "."))


def test_a_compiled_requirements_file_replaces_its_source() -> None:
    files = {"requirements__tests_in": "pytest", "requirements__tests_txt": "pytest==8.0"}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["-r requirements/tests.txt", "-e ."]


def test_an_extra_and_a_requirements_file_for_tests_are_combined_first() -> None:
    text = PROJECT + '[project.optional-dependencies]\ntest = ["mock"]\n'
    found = planned(tree(pyproject_toml=text, **{"test-requirements_txt": "pytest\n"}))
    assert found[0].install == (("-r", "test-requirements.txt"), ("-e", ".[test]"))
    assert {plan.install[0] for plan in found[1:]} >= {("-e", ".[test]")}


def test_runtime_requirements_serve_a_tree_without_packaging() -> None:
    assert steps(tree(requirements_txt="attrs\n")) == ["-r requirements.txt", "pytest"]


def test_an_import_that_nothing_declares_is_mapped_to_its_distribution() -> None:
    files = {"tests__test_pkg_py": "import yaml\nimport json\nimport pkg\nimport nobody_knows\n"}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["pyyaml", "-e .", "pytest"]


def test_an_import_that_the_package_depends_on_is_not_installed_twice() -> None:
    files = {"tests__test_pkg_py": "import yaml\n"}
    text = PROJECT + 'dependencies = ["PyYAML>=6"]\n'
    assert steps(tree(pyproject_toml=text, **files)) == ["-e .", "pytest"]


def test_a_guarded_import_is_not_needed() -> None:
    files = {"tests__test_pkg_py": "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n"}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["-e .", "pytest"]


def test_a_module_of_the_tests_is_not_looked_for_on_the_index() -> None:
    files = {"tests__test_pkg_py": "import mock\n", "tests__mock_py": ""}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["-e .", "pytest"]


def test_an_extra_that_brings_a_missing_import_is_added() -> None:
    text = PROJECT + '[project.optional-dependencies]\nimage = ["Pillow"]\ntest = ["pytest"]\n'
    files = {"tests__test_pkg_py": "from PIL import Image\n"}
    assert steps(tree(pyproject_toml=text, **files)) == ["-e .[image,test]"]


def test_a_fixture_of_a_plugin_brings_the_plugin() -> None:
    files = {"tests__test_pkg_py": "def test_it(mocker): pass\n"}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["pytest-mock", "-e .", "pytest"]


def test_a_fixture_defined_in_a_conftest_brings_nothing() -> None:
    files = {
        "tests__test_pkg_py": "def test_it(mocker): pass\n",
        "tests__conftest_py": "import pytest\n@pytest.fixture\ndef mocker(): pass\n",
    }
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["-e .", "pytest"]


@pytest.mark.parametrize(
    ("key", "distribution"),
    [
        ('asyncio_mode = "auto"', "pytest-asyncio"),
        ("timeout = 30", "pytest-timeout"),
        ('DJANGO_SETTINGS_MODULE = "pkg.settings"', "pytest-django"),
        ('required_plugins = ["pytest-mock>=3"]', "pytest-mock"),
        ('addopts = "--benchmark-disable"', "pytest-benchmark"),
    ],
)
def test_a_plugin_that_the_configuration_needs_is_installed(key: str, distribution: str) -> None:
    text = f"{PROJECT}[tool.pytest.ini_options]\n{key}\n"
    assert steps(tree(pyproject_toml=text))[0] == distribution


def test_a_workflow_job_that_runs_tests_is_evidence() -> None:
    text = """
    jobs:
      lint: {steps: [{run: pip install ruff}]}
      test:
        steps:
          - run: pip install -U pip pytest mock
          - run: python -m pytest
    """
    found = planned(MemoryTree({**tree(setup_py="").files, ".github/workflows/ci.yml": text}))
    assert next(plan.install for plan in found if "job 'test'" in plan.name) == (
        ("pytest", "mock"),
        ("-e", "."),
    )
    assert not any("ruff" in step for plan in found for step in plan.install)


@pytest.mark.parametrize("source", ["import yaml\nprint 'two'\n", "\0", "(" * 300])
def test_a_test_file_that_cannot_be_parsed_needs_nothing(source: str) -> None:
    files = {"tests__test_pkg_py": source}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["-e .", "pytest"]


def test_a_doubtful_escape_in_a_test_file_warns_nobody() -> None:
    files = {"tests__test_pkg_py": "import yaml\nx = '\\d'\n"}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["pyyaml", "-e .", "pytest"]


def test_a_broken_pyproject_leaves_the_other_evidence() -> None:
    assert steps(tree(pyproject_toml="[[[", **{"test-requirements_txt": "pytest"})) == [
        "-r test-requirements.txt"
    ]


KEYS = [
    "build-system",
    "build-system.requires",
    "build-system.build-backend",
    "project",
    "project.name",
    "project.dynamic",
    "project.dependencies",
    "project.classifiers",
    "project.requires-python",
    "project.optional-dependencies",
    "project.optional-dependencies.test",
    "dependency-groups",
    "dependency-groups.test",
    "tool",
    "tool.uv",
    "tool.uv.dev-dependencies",
    "tool.pdm.dev-dependencies.test",
    "tool.hatch.envs",
    "tool.hatch.envs.test",
    "tool.hatch.envs.test.dependencies",
    "tool.flit.metadata",
    "tool.flit.metadata.requires-extra",
    "tool.poetry",
    "tool.poetry.extras",
    "tool.poetry.dependencies",
    "tool.poetry.dependencies.python",
    "tool.poetry.group",
    "tool.poetry.group.test",
    "tool.poetry.group.test.dependencies.mock",
    "tool.poetry.dev-dependencies",
    "tool.pytest",
    "tool.pytest.ini_options",
    "tool.pytest.ini_options.addopts",
    "tool.pytest.ini_options.testpaths",
    "tool.pytest.ini_options.filterwarnings",
    "tool.pytest.ini_options.python_files",
    "tool.tox",
    "tool.tox.legacy_tox_ini",
    "tool.tox.env_run_base",
    "tool.tox.env_run_base.commands",
    "tool.tox.env_run_base.deps",
    "tool.tox.env_run_base.set_env",
]


@pytest.mark.parametrize("value", ["3", "true", '"^"', "[]", "[3, [3], {}]", "{a = 3}", "{a = []}"])
@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_the_wrong_kind_is_no_reason_to_fail(key: str, value: str) -> None:
    assert planned(tree(pyproject_toml=f"{key} = {value}\n"))


@given(st.text(alphabet="[]{}:=!-#%,.\\'\"\n \tabpy3testenvdeps|^~", max_size=200))
@pytest.mark.parametrize(
    "path", ["tox.ini", "setup.cfg", "setup.py", "pytest.ini", "requirements.txt", "pyproject.toml"]
)
def test_no_text_in_a_file_is_a_reason_to_fail(path: str, text: str) -> None:
    heads = {"tox.ini": "[testenv]\ndeps = pytest\ncommands = pytest ", "pytest.ini": "[pytest]\n"}
    files = {**tree().files, path: heads.get(path, "") + text}
    assert planned(MemoryTree(files))


def test_plans_are_deterministic_distinct_and_few() -> None:
    text = PROJECT + "[project.optional-dependencies]\n"
    text += "".join(f'test{n} = ["pytest", "x{n}"]\n' for n in range(20))
    found = planned(tree(pyproject_toml=text))
    assert found == planned(tree(pyproject_toml=text))
    assert len({(plan.install, plan.pytest_args) for plan in found}) == len(found) <= 12


def test_the_last_plan_leaves_the_package_uninstalled() -> None:
    text = PROJECT + 'dependencies = ["attrs"]\n'
    last = planned(tree(pyproject_toml=text))[-1]
    assert last.install == (("attrs",), ("pytest",))
    assert last.pytest_args[:2] == ("-o", "pythonpath=.")


def test_an_unusual_build_is_also_tried_with_plain_setuptools() -> None:
    text = """
    [build-system]
    requires = ["setuptools", "coherent.licensed"]
    [project]
    name = "pkg"
    """
    found = [step for plan in planned(tree(pyproject_toml=text)) for step in plan.install]
    assert ("--no-build-isolation", "-e", ".") in found


@pytest.mark.parametrize(
    ("requires", "chosen"), [(">=3.9", "3.11"), (">=3.12", "3.12"), (">=3.9,!=3.11.*", "3.12")]
)
def test_the_first_python_that_fits_is_chosen(requires: str, chosen: str) -> None:
    text = PROJECT + f'requires-python = "{requires}"\n'
    assert first(tree(pyproject_toml=text)).python == chosen


def test_a_python_that_fits_from_some_patch_release_on_is_chosen() -> None:
    assert first(tree(pyproject_toml=PROJECT + 'requires-python = ">=3.11.4"\n')).python == "3.11"


def test_a_python_named_in_the_classifiers_goes_first() -> None:
    text = PROJECT + 'classifiers = ["Programming Language :: Python :: 3.12"]\n'
    assert first(tree(pyproject_toml=text)).python == "3.12"


def test_no_fitting_python_says_what_is_needed_and_what_there_is() -> None:
    with pytest.raises(EnvironmentFailed, match=r"python-unavailable.*<3\.9.*3\.11, 3\.12, 3\.13"):
        planned(tree(pyproject_toml=PROJECT + 'requires-python = "<3.9"\n'))


def test_a_python_that_is_asked_for_and_missing_is_refused() -> None:
    with pytest.raises(EnvironmentFailed, match=r"python-unavailable: Python 3\.8"):
        planned(tree(), Overrides(python="3.8"))


@pytest.mark.parametrize(
    ("backend", "variable"),
    [
        ("setuptools_scm", "SETUPTOOLS_SCM_PRETEND_VERSION"),
        ("hatch-vcs", "SETUPTOOLS_SCM_PRETEND_VERSION"),
        ("pdm-backend", "PDM_BUILD_SCM_VERSION"),
        ("poetry-dynamic-versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
    ],
)
def test_a_build_that_asks_version_control_is_told_the_version(backend: str, variable: str) -> None:
    text = f'[build-system]\nrequires = ["{backend}>=1"]\n[project]\nname = "pkg"\n'
    assert first(tree(pyproject_toml=text)).env == ((variable, "1.2.3"),)


@pytest.mark.parametrize(
    ("argument", "variable"),
    [("use_scm_version=True", "SETUPTOOLS_SCM_PRETEND_VERSION"), ("pbr=True", "PBR_VERSION")],
)
def test_a_setup_py_that_asks_version_control_is_told(argument: str, variable: str) -> None:
    text = f"from setuptools import setup\nsetup(name='pkg', {argument})\n"
    assert first(tree(setup_py=text)).env == ((variable, "1.2.3"),)


def test_an_ordinary_build_is_told_nothing() -> None:
    assert first(tree(pyproject_toml=PROJECT)).env == ()


@pytest.mark.parametrize("version", ["", "not a version"])
def test_a_version_that_is_none_becomes_a_default(version: str) -> None:
    text = '[build-system]\nrequires = ["hatch-vcs"]\n[project]\nname = "pkg"\n'
    plan = planned(tree(pyproject_toml=text), version=version)[0]
    assert plan.env == (("SETUPTOOLS_SCM_PRETEND_VERSION", "0.1.0"),)


def test_install_steps_that_are_given_make_the_only_plan() -> None:
    overrides = Overrides(install=(("-e", ".[x]"),))
    found = planned(tree(pyproject_toml=PROJECT), overrides)
    assert [plan.install for plan in found] == [(("-e", ".[x]"), ("pytest",))]


def test_pytest_arguments_that_are_given_are_taken_as_they_are() -> None:
    overrides = Overrides(pytest_args=("-n", "4", "somewhere"))
    found = planned(tree(pyproject_toml=PROJECT), overrides)
    assert {plan.pytest_args for plan in found} == {("-n", "4", "somewhere")}


def test_variables_that_are_given_go_over_detected_ones() -> None:
    text = "[testenv]\ncommands = pytest\nsetenv =\n  A = tox\n  B = tox\n"
    plan = first(tree(tox_ini=text), Overrides(env=(("A", "mine"),)))
    assert plan.env == (("A", "mine"), ("B", "tox"))


def test_a_folder_is_read_without_its_history_and_environments(tmp_path: Path) -> None:
    for path in ("setup.py", ".git/config.py", ".venv/x.py", "pkg/__init__.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    assert FolderTree(tmp_path).paths == {"setup.py", "pkg/__init__.py"}


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "setup.py").symlink_to(tmp_path / "secret")
    assert FolderTree(tmp_path / "tree").read_file("setup.py") is None


def test_a_real_folder_gives_the_same_plans_as_its_files(tmp_path: Path) -> None:
    repository = tree(pyproject_toml=PROJECT)
    for path in repository.paths:
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_bytes(repository.read_file(path) or b"")
    found = plans(FolderTree(tmp_path), pythons=("3.11",), overrides=Overrides())
    assert found == plans(repository, pythons=("3.11",), overrides=Overrides())
