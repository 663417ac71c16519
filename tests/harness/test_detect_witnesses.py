"""What nox, hatch, make, tasks and workflows say of the tests is read, and none of it is run."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.detect.facts import RepositoryFacts, gather, read_project
from harness.detect.workflows import workflow_pythons
from tests.harness.trees import MemoryTree, first, planned, tree

PROJECT = '[project]\nname = "pkg"\n'
EXTRAS = PROJECT + '[project.optional-dependencies]\nfast = ["speedy"]\ndocs = ["sphinx"]\n'
GROUPS = PROJECT + '[dependency-groups]\nunit = ["pytest"]\nlint = ["ruff"]\n'


def steps(repository: MemoryTree) -> list[str]:
    return [" ".join(step) for step in first(repository).install]


def facts(repository: MemoryTree) -> RepositoryFacts:
    return gather(repository, read_project(repository), "3.11")


def noxfile(body: str, head: str = "", pyproject: str = PROJECT, **files: str) -> MemoryTree:
    text = f"import nox\n{head}\n@nox.session(python=['3.12', '3.13'])\ndef tests(session):\n"
    lines = "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
    return tree(noxfile_py=text + lines, pyproject_toml=pyproject, **files)


def workflow(body: str, pyproject: str = PROJECT, **files: str) -> MemoryTree:
    held = {**tree(pyproject_toml=pyproject, **files).files, ".github/workflows/ci.yml": body}
    return MemoryTree(held)


def job(*runs: str, more: str = "", pyproject: str = PROJECT, **files: str) -> MemoryTree:
    listed = "".join(f"\n      - run: |\n          {run}" for run in runs)
    return workflow(f"jobs:\n  test:\n{more}    steps:{listed}\n", pyproject, **files)


# nox


@pytest.mark.parametrize(
    ("install", "expected"),
    [
        ('session.install("pytest", "mock>=4")', ["pytest mock>=4", "-e ."]),
        ('session.install("-e", ".[fast]", "pytest")', ["pytest", "-e .[fast]"]),
        ('session.install(".[fast]")', ["-e .[fast]", "pytest"]),
        ('session.install("-r", "reqs.txt")', ["-r reqs.txt", "-e ."]),
        ('session.install("-rreqs.txt")', ["-r reqs.txt", "-e ."]),
        ('session.conda_install("pytest")', ["pytest", "-e ."]),
        ('session.run_install("pip", "install", "pytest", "six")', ["pytest six", "-e ."]),
        ("session.install(*DEPENDENCIES)", ["pytest attrs", "-e ."]),
        ('deps = ["pytest"]\nsession.install(*deps)', ["pytest", "-e ."]),
        ('session.install(f"pytest=={VERSION}")', ["pytest==8", "-e ."]),
    ],
)
def test_a_nox_session_that_runs_pytest_says_what_it_installs(
    install: str, expected: list[str]
) -> None:
    head = 'VERSION = "8"\nDEPENDENCIES = ["pytest", "attrs"]'
    body = f'{install}\nsession.run("pytest", *session.posargs)'
    assert steps(noxfile(body, head, EXTRAS, reqs_txt="pytest\n")) == expected


@pytest.mark.parametrize(
    "install",
    [
        'session.install("--group", "unit")',
        'session.run_install("uv", "sync", "--group=unit", "--no-default-groups")',
        'session.install(*nox.project.dependency_groups(PYPROJECT, "unit"))',
    ],
)
def test_a_nox_session_may_install_a_dependency_group(install: str) -> None:
    head = 'PYPROJECT = nox.project.load_toml("pyproject.toml")'
    body = f'{install}\nsession.run("python", "-m", "pytest")'
    assert steps(noxfile(body, head, GROUPS)) == ["-e . --group unit"]


def test_the_command_of_a_nox_session_gives_paths_options_and_variables() -> None:
    body = """
    session.env["B"] = "2"
    args = session.posargs or ["--import-mode=importlib", "pkg"]
    session.run("coverage", "run", "-m", "pytest", "-v", *args, env={"A": "1", "PIP_X": "1"})
    """
    plan = first(noxfile(body))
    assert plan.pytest_args == ("--import-mode=importlib", "pkg")
    assert plan.env == (("A", "1"), ("B", "2"))
    assert plan.notes == ("nox session 'tests': dropped '-v' (display)",)


def test_a_function_that_a_nox_session_hands_itself_to_is_followed() -> None:
    head = "def prepare(session):\n    prepare(session)\n    session.install('pytest', 'six')\n"
    assert steps(noxfile("prepare(session)\nsession.run('pytest')", head))[0] == "pytest six"


def test_what_a_nox_session_passes_to_such_a_function_is_known_there() -> None:
    head = """
def impl(session, extras="fast,other", group="none", slow=False, where="tests"):
    extra = (f"--extra={e}" for e in extras.split(","))
    session.run_install("uv", "sync", "--group", group, *extra)
    session.run("pytest", *(("-m", "slow") if slow else ()), *(session.posargs or (where,)))
"""
    found = noxfile('impl(session, group="unit")', head, EXTRAS + GROUPS.removeprefix(PROJECT))
    assert steps(found) == ["-e .[fast] --group unit"]
    assert first(found).pytest_args == ("tests",)


def test_a_nox_session_that_runs_no_tests_is_no_evidence() -> None:
    found = planned(noxfile('session.install("ruff")\nsession.run("ruff", "check")'))
    assert not any("ruff" in step for plan in found for step in plan.install)


def test_a_noxfile_is_never_run() -> None:
    assert planned(noxfile("pass", head="raise SystemExit(1)"))


# hatch


@pytest.mark.parametrize("path", ["hatch.toml", "pyproject.toml"])
def test_hatch_environments_are_read_wherever_they_are_written(path: str) -> None:
    prefix = "" if path == "hatch.toml" else "tool.hatch."
    text = f"""
    [{prefix}envs.test]
    dependencies = ["pytest"]
    extra-dependencies = ["mock"]
    features = ["fast"]
    [{prefix}envs.test.env-vars]
    A = "1"
    [{prefix}envs.test.scripts]
    test = "pytest --doctest-modules {{args:pkg}}"
    """
    held = {"pyproject.toml": EXTRAS}
    held[path] = held.get(path, "") + dedent(text)
    plan = first(MemoryTree({**tree().files, **held}))
    assert plan.install == (("pytest", "mock"), ("-e", ".[fast]"))
    assert plan.pytest_args == ("--doctest-modules", "pkg")
    assert plan.env == (("A", "1"),)


def test_a_hatch_environment_takes_what_its_template_has() -> None:
    text = """
    [envs.base]
    dependencies = ["pytest"]
    [envs.base.scripts]
    all = ["one", "report"]
    one = "pytest pkg"
    [envs.test]
    template = "base"
    extra-dependencies = ["mock"]
    """
    plan = first(tree(pyproject_toml=PROJECT, hatch_toml=text))
    assert plan.install == (("pytest", "mock"), ("-e", "."))
    assert plan.pytest_args == ("pkg",)


def test_a_hatch_environment_of_another_name_counts_when_it_runs_pytest() -> None:
    text = '[envs.default]\ndependency-groups = ["unit"]\n[envs.default.scripts]\ngo = "pytest"\n'
    assert steps(tree(pyproject_toml=GROUPS, hatch_toml=text)) == ["-e . --group unit"]


def test_templates_that_take_from_each_other_end() -> None:
    text = '[envs.a]\ntemplate = "b"\n[envs.b]\ntemplate = "a"\ndependencies = ["pytest"]\n'
    assert planned(tree(pyproject_toml=PROJECT, hatch_toml=text))


# make, just, tasks, scripts


def test_a_makefile_target_says_what_is_installed_and_how_pytest_is_called() -> None:
    text = (
        "PIP ?= pip\nARGS = --ignore=tests/slow\n.PHONY: test\n"
        "install:\n\t@$(PIP) install -r reqs.txt\n"
        "test: install\n\tA=1 python -m pytest \\\n\t  $(ARGS) tests\n"
    )
    plan = first(tree(pyproject_toml=PROJECT, Makefile="", reqs_txt="pytest\n"))
    assert plan.install == (("-e", "."), ("pytest",))
    held = tree(pyproject_toml=PROJECT, reqs_txt="pytest\n").files
    plan = first(MemoryTree({**held, "Makefile": text}))
    assert plan.install == (("-r", "reqs.txt"), ("-e", "."))
    assert plan.pytest_args == ("--ignore=tests/slow", "tests")
    assert plan.env == (("A", "1"),)


def test_a_justfile_recipe_is_read() -> None:
    text = 'opts := "--doctest-modules"\nsync:\n  uv sync --group unit\n\ntest *args: sync\n'
    text += "  @uv run pytest {{opts}} {{args}}\n"
    plan = first(MemoryTree({**tree(pyproject_toml=GROUPS).files, "justfile": text}))
    assert plan.install == (("-e", ".", "--group", "unit"),)
    assert plan.pytest_args == ("--doctest-modules",)


@pytest.mark.parametrize(
    "tasks",
    [
        '[tool.poe.tasks]\ntest = "uv run --group unit pytest pkg tests"\n',
        '[tool.poe.tasks]\ntest = ["one"]\none = {cmd = "uv run --group unit pytest pkg tests"}\n',
        '[tool.pdm.scripts]\ntest = {composite = ["pdm install -G unit", "pytest pkg tests"]}\n',
        '[tool.taskipy.tasks]\ntest = "uv sync --group unit && pytest pkg tests"\n',
    ],
)
def test_tasks_are_read(tasks: str) -> None:
    plan = first(tree(pyproject_toml=GROUPS + tasks))
    assert plan.install == (("-e", ".", "--group", "unit"),)
    assert plan.pytest_args == ("pkg", "tests")


def test_a_shell_script_named_for_tests_is_read() -> None:
    script = "#!/bin/sh -e\nexport PREFIX=venv/bin/\n${PREFIX}pip install pytest six\n"
    script += '${PREFIX}coverage run $options -m pytest "$@"\n'
    plan = first(MemoryTree({**tree(pyproject_toml=PROJECT).files, "scripts/test": script}))
    assert (plan.install, plan.env) == ((("pytest", "six"), ("-e", ".")), ())


# commands


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pip install -e .[fast] pytest", ["pytest", "-e .[fast]"]),
        ('python -m pip install --upgrade pip ".[fast]"', ["-e .[fast]", "pytest"]),
        ("uv pip install --system -e . --group unit", ["-e . --group unit"]),
        ("pip install -c limits.txt pytest six", ["pytest six", "-e ."]),
        ("pip install dist/*.whl[fast]", ["-e .[fast]", "pytest"]),
        ("pip install pkg[fast]", ["-e .[fast]", "pytest"]),
        ("uv sync --group unit --extra fast", ["-e .[fast] --group unit"]),
        ("uv run --with six --group unit pytest", ["six", "-e . --group unit"]),
        ("poetry install --with unit -E fast", ["-e .[fast] --group unit"]),
        ("pdm install -G unit", ["-e . --group unit"]),
        ("cd sub && pip install -r reqs.txt", ["-r sub/reqs.txt", "-e ."]),
        ("if [ -f x ]; then pip install pytest six; fi", ["pytest six", "-e ."]),
        ("pip install $EVERYTHING pytest git+https://x/y six", ["pytest six", "-e ."]),
        ("pip install pytest 'unclosed", ["-e .", "pytest"]),
    ],
)
def test_an_install_command_is_understood(command: str, expected: list[str]) -> None:
    pyproject = EXTRAS + GROUPS.removeprefix(PROJECT)
    files = {"sub__reqs_txt": "pytest\n", "limits_txt": "six<2\n"}
    assert steps(job(command, "pytest", pyproject=pyproject, **files)) == expected


def test_groups_that_uv_installs_unasked_come_along() -> None:
    pyproject = GROUPS + 'dev = ["pytest", "six"]\n[tool.uv]\ndefault-groups = ["dev"]\n'
    assert steps(job("uv run pytest", pyproject=pyproject)) == ["-e . --group dev"]


def test_a_poetry_group_that_a_command_names_is_passed_as_plain_requirements() -> None:
    pyproject = '[tool.poetry]\nname = "pkg"\n[tool.poetry.group.unit.dependencies]\npytest = "8"\n'
    found = job("poetry install --with unit", "poetry run pytest", pyproject=pyproject)
    assert steps(found) == ["pytest==8", "-e ."]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pytest --doctest-modules pkg tests", ("--doctest-modules", "pkg", "tests")),
        ("python -W error -m pytest pkg tests", ("pkg", "tests")),
        ("coverage run --source pkg -m pytest tests pkg", ("tests", "pkg")),
        ("xvfb-run -a pytest tests", ("tests",)),
        ("uv run --python 3.12 -m pytest pkg tests", ("pkg", "tests")),
        ("poetry run pytest pkg tests", ("pkg", "tests")),
        ("python -m unittest discover -s tests -p '*.py'", ("-o", "python_files=*.py", "tests")),
        ("cd tests && pytest .", ("tests",)),
        ("pytest --version", ("tests",)),
    ],
)
def test_a_test_command_is_understood(command: str, expected: tuple[str, ...]) -> None:
    assert first(job(command)).pytest_args == expected


@pytest.mark.parametrize("command", ["pytest tests/one", "pytest -m integration", "pytest -k one"])
def test_a_command_for_a_small_part_of_the_tests_is_not_believed(command: str) -> None:
    files = {f"tests__{name}__test_{name}_py": "" for name in ("one", "two", "three")}
    assert first(job(command, **files)).pytest_args == ("tests",)


def test_what_tox_says_of_the_command_goes_before_the_workflow() -> None:
    found = job("pytest --doctest-modules", tox_ini="[testenv]\ncommands = pytest pkg\n")
    assert first(found).pytest_args == ("pkg",)


# workflows


def test_the_matrix_entry_of_the_chosen_python_is_filled_in() -> None:
    more = """\
    strategy:
      matrix:
        python-version: ["3.11", "3.12"]
        os: [windows-latest, ubuntu-latest]
        include:
          - {python-version: "3.11", pin: "six<2"}
          - {python-version: "3.12", pin: "six<3"}
"""
    found = job('pip install pytest "${{ matrix.pin }}"', "pytest", more=more)
    assert steps(found)[0] == "pytest six<2"


def test_steps_whose_condition_fails_are_left_out() -> None:
    text = """
    jobs:
      test:
        strategy: {matrix: {python: ["3.11", "3.12"]}}
        steps:
          - run: pip install pytest
          - {run: pip install recent, if: "matrix.python == '3.12'"}
          - {run: pip install windows, if: "${{ runner.os != 'Linux' && always() }}"}
          - {run: pip install six, if: "startsWith(matrix.python, '3.1') || github.x == 'y'"}
          - run: pytest
    """
    assert steps(workflow(text))[0] == "pytest six"


def test_variables_of_workflow_job_and_step_are_known_to_commands_and_tests() -> None:
    text = """
    env: {WHAT: pytest, TOKEN_X: a, CI: "1"}
    defaults: {run: {working-directory: sub}}
    jobs:
      test:
        env: {MORE: six, SECRET: "${{ secrets.X }}"}
        steps:
          - {run: 'pip install $WHAT "${MORE}" -r reqs.txt', env: {ONLY_HERE: a}}
          - run: echo "LATER=yes" >> $GITHUB_ENV
          - {run: pytest ../tests, env: {MODE: "${{ env.MORE }}", COVERAGE_X: a, CODE: /x}}
    """
    plan = first(workflow(text, sub__reqs_txt="attrs\n"))
    assert plan.install[0] == ("-r", "sub/reqs.txt", "pytest", "six")
    assert plan.pytest_args == ("tests",)
    assert plan.env == (("LATER", "yes"), ("MODE", "six"), ("MORE", "six"), ("WHAT", "pytest"))


def test_variables_of_tox_go_before_those_of_the_workflow() -> None:
    text = "[testenv]\ncommands = pytest\nsetenv =\n  A = tox\n"
    assert first(job("A=ci B=ci pytest", tox_ini=text)).env == (("A", "tox"), ("B", "ci"))


def test_variables_that_point_at_services_are_left_out() -> None:
    more = "    services: {db: {image: postgres}}\n    env: {URL: 'pg://localhost/x', A: b}\n"
    assert first(job("pytest", more=more)).env == (("A", "b"),)


def test_a_local_action_is_read_in_its_place() -> None:
    action = """
    inputs: {extra: {default: docs}, more: {default: six}}
    runs:
      using: composite
      steps:
        - {run: "pip install pytest ${{ inputs.more }} .[${{ inputs.extra }}]", shell: bash}
    """
    text = """
    jobs:
      test:
        steps:
          - {uses: ./.github/actions/prepare, with: {extra: fast}}
          - run: pytest
    """
    found = workflow(text, EXTRAS).files
    found = MemoryTree({**found, ".github/actions/prepare/action.yml": action})
    assert steps(found) == ["pytest six", "-e .[fast]"]


def test_a_workflow_that_another_calls_is_read_with_its_inputs() -> None:
    called = """
    on: {workflow_call: {inputs: {what: {default: none}}}}
    jobs:
      test:
        steps:
          - run: pip install pytest ${{ inputs.what }}
          - run: pytest
    """
    text = "jobs:\n  all: {uses: ./.github/workflows/sub/x.yml, with: {what: six}}\n"
    found = {**workflow(text).files, ".github/workflows/sub/x.yml": called}
    assert steps(MemoryTree(found))[0] == "pytest six"


def test_jobs_that_an_input_switches_off_are_left_out() -> None:
    called = """
    on: {workflow_call: {inputs: {run-tests: {type: boolean, default: true}}}}
    jobs:
      typing: {if: "!inputs.run-tests", steps: [{run: pip install mypy pytest}, {run: pytest}]}
      test: {if: inputs.run-tests, steps: [{run: pip install six pytest}, {run: pytest}]}
    """
    text = "jobs:\n  all: {uses: ./.github/workflows/sub/x.yml, with: {run-tests: true}}\n"
    found = planned(MemoryTree({**workflow(text).files, ".github/workflows/sub/x.yml": called}))
    assert found[0].install[0] == ("six", "pytest")
    assert not any("mypy" in step for plan in found for step in plan.install)


def test_a_workflow_that_calls_itself_ends() -> None:
    text = "jobs:\n  a: {uses: ./.github/workflows/ci.yml}\n  b: {steps: [{run: pytest}]}\n"
    assert planned(workflow(text))


NOX_GO = "@session\ndef go(s):\n    s.install('pytest', 'six')\n    s.run('pytest')\n"
HATCH_GO = '[envs.go]\ndependencies = ["pytest", "six"]\n[envs.go.scripts]\nit = "pytest"\n'


@pytest.mark.parametrize(
    ("command", "path", "text"),
    [
        ("make unit-all", "Makefile", "unit-all:\n\tpip install pytest six\n\tpytest\n"),
        ("just go", "justfile", "go:\n  pip install pytest six\n  pytest\n"),
        ("nox -s go", "noxfile.py", NOX_GO),
        ("tox -e go", "tox.ini", "[testenv:go]\ndeps = pytest\n  six\ncommands = pytest\n"),
        ("TOXENV=go tox", "tox.ini", "[testenv:go]\ndeps = pytest\n  six\ncommands = pytest\n"),
        ("hatch run go:it", "hatch.toml", HATCH_GO),
        ("bash ci/go.sh", "ci/go.sh", "pip install pytest six\npytest\n"),
        ("./ci/go.sh", "ci/go.sh", "pip install pytest six\npytest\n"),
    ],
)
def test_a_job_is_followed_to_the_tool_that_runs_the_tests(
    command: str, path: str, text: str
) -> None:
    assert steps(MemoryTree({**job(command).files, path: text}))[0] == "pytest six"


def test_the_ordinary_job_goes_before_one_for_something_besides() -> None:
    text = """
    jobs:
      docs: {steps: [{run: "pip install sphinx six"}, {run: pytest docs}]}
      oldest: {steps: [{run: "pip install pytest==1"}, {run: pytest}]}
      test: {steps: [{run: "pip install pytest"}, {run: pytest}]}
    """
    assert steps(workflow(text))[0] == "pytest"


def test_debian_packages_of_a_test_job_are_known() -> None:
    found = job("sudo apt-get update", "sudo apt-get install -y $X libxml2-dev g++", "pytest")
    assert facts(found).system == ("libxml2-dev", "g++")


def test_debian_packages_of_other_jobs_are_not() -> None:
    text = "jobs:\n  docs: {steps: [{run: apt install graphviz}, {run: make html}]}\n"
    assert facts(workflow(text)).system == ()


def test_the_pythons_that_workflows_test_are_known() -> None:
    text = """
    jobs:
      test:
        strategy: {matrix: {py: ["3.8", 3.12, "3.13.1", "3.14t", pypy3.11]}}
        steps:
          - {uses: actions/setup-python@v5, with: {python-version: "${{ matrix.py }}"}}
          - run: pytest
      docs:
        steps:
          - {uses: actions/setup-python@v5, with: {python-version: "3.11"}}
          - run: sphinx-build docs out
    """
    assert workflow_pythons(workflow(text)) == ("3.8", "3.12", "3.13")
    assert first(workflow(text)).python == "3.12"


def test_the_pythons_of_tox_and_nox_count_as_tested() -> None:
    assert first(tree(tox_ini="[tox]\nenvlist = py{310,313}, lint\n[testenv]\n")).python == "3.13"
    assert first(noxfile('session.run("pytest")')).python == "3.12"


def test_our_own_first_python_is_kept_when_it_is_tested_too() -> None:
    assert first(tree(tox_ini="[tox]\nenvlist = py313,py311\n[testenv]\n")).python == "3.11"


@pytest.mark.parametrize(
    ("named", "requires", "chosen"),
    [
        ("3.14", ">=3.9", "3.13"),
        ("3.8", ">=3.9", "3.11"),
        ("3.14", ">=3.9,<3.13", "3.12"),
        ("3.14", "", "3.13"),
    ],
)
def test_the_nearest_python_stands_in_for_one_that_is_missing(
    named: str, requires: str, chosen: str
) -> None:
    text = f"""
    jobs:
      test:
        steps:
          - {{uses: actions/setup-python@v5, with: {{python-version: "{named}"}}}}
          - run: pytest
    """
    project = PROJECT.replace("[project]", f'[project]\n    requires-python = "{requires}"')
    assert first(workflow(text, project)).python == chosen


# what goes into the first plan


def test_documentation_and_style_are_left_out_of_the_first_plan_and_kept_in_another() -> None:
    text = "# docs\nsphinx>=7\nruff\n# tests\npytest==8.0\nsix # why\n-e .[fast]\n"
    found = planned(tree(pyproject_toml=EXTRAS, requirements_txt=text))
    assert found[0].install == (("pytest==8.0", "six"), ("-e", ".[fast]"))
    assert found[0].name == "requirements.txt, what tests need"
    assert (("-r", "requirements.txt"), ("-e", ".")) in [plan.install for plan in found]


def test_what_the_tests_import_is_never_left_out() -> None:
    files = {"tests__test_pkg_py": "import sphinx\n", "requirements_txt": "pytest\nsphinx\n"}
    assert steps(tree(pyproject_toml=PROJECT, **files)) == ["-r requirements.txt", "-e ."]


def test_a_job_adds_to_an_extra_for_tests_but_no_group_for_development() -> None:
    pyproject = PROJECT + '[project.optional-dependencies]\ntest = ["pytest"]\nfast = ["x"]\n'
    pyproject += '[dependency-groups]\ndev = ["pytest", "sphinx"]\n'
    found = job("uv run --extra fast --group dev pytest", pyproject=pyproject)
    assert steps(found) == ["-e .[fast,test]"]


@pytest.mark.parametrize("path", ["etc/deep/test-requirements.txt", "a/requirements/tests.txt"])
def test_requirements_files_are_found_in_any_folder(path: str) -> None:
    files = {**tree(pyproject_toml=PROJECT).files, path: "pytest\nsix\n"}
    assert steps(MemoryTree(files)) == [f"-r {path}", "-e ."]


@pytest.mark.parametrize("folder", ["docs", "examples", "vendor", "tests/data", "{{name}}"])
def test_requirements_files_of_something_else_are_not(folder: str) -> None:
    files = {f"{folder}/test-requirements.txt": "pytest\nsix\n"}
    found = planned(MemoryTree({**tree(pyproject_toml=PROJECT).files, **files}))
    assert not any("-r" in step for plan in found for step in plan.install)


def test_a_requirements_file_in_its_usual_place_goes_first() -> None:
    files = {"backend/test-requirements.txt": "pytest\n", "test-requirements.txt": "pytest\n"}
    found = MemoryTree({**tree(pyproject_toml=PROJECT).files, **files})
    assert steps(found)[0] == "-r test-requirements.txt"


# what is broken, or meant to hurt

HEADS = {
    "noxfile.py": "import nox\n@nox.session\ndef tests(session):\n    session.run('pytest', ",
    "hatch.toml": "[envs.test]\n",
    "Makefile": "test:\n\tpip install ",
    "justfile": "test:\n  pip install ",
    "scripts/test": "#!/bin/sh\npip install ",
    ".github/workflows/ci.yml": "jobs: {test: {steps: [{run: pytest}, {run: '",
}


@given(st.text(alphabet="[]{}():=!-#%,.\\'\"\n \t$|&;<`abpytest *", max_size=150))
@pytest.mark.parametrize("path", HEADS)
def test_no_text_in_a_witness_is_a_reason_to_fail(path: str, text: str) -> None:
    assert planned(MemoryTree({**tree().files, path: HEADS[path] + text}))


@given(st.text(alphabet="abmatrix.env'()!&|=, 0[]*", max_size=60))
def test_no_expression_is_a_reason_to_fail(text: str) -> None:
    step = {"run": f"pip install ${{{{ {text} }}}}", "if": text}
    assert planned(workflow(f"jobs: {{test: {{steps: [{step!r}, {{run: pytest}}]}}}}"))


@pytest.mark.parametrize("value", ["3", "true", "[]", "[3, [3], {}]", "{a: 3}", "{a: [null]}"])
@pytest.mark.parametrize(
    "place",
    [
        "{}",
        "jobs: {}",
        "jobs: {{test: {}}}",
        "jobs: {{test: {{steps: {}}}}}",
        "jobs: {{test: {{env: {}, steps: [{{run: pytest}}]}}}}",
        "jobs: {{test: {{strategy: {}, steps: [{{run: pytest}}]}}}}",
        "jobs: {{test: {{strategy: {{matrix: {}}}, steps: [{{run: pytest}}]}}}}",
        "jobs: {{test: {{strategy: {{matrix: {{include: {}}}}}, steps: [{{run: pytest}}]}}}}",
        "jobs: {{test: {{runs-on: {}, steps: [{{run: pytest}}]}}}}",
        "jobs: {{test: {{steps: [{{uses: x/setup-python@v1, with: {{python-version: {}}}}}]}}}}",
        "jobs: {{test: {{steps: [{{run: {0}, if: {0}, env: {0}, shell: {0}, with: {0}}}]}}}}",
        "jobs: {{test: {{uses: ./x.yml, with: {}}}}}",
        "on: {{workflow_call: {{inputs: {}}}}}\njobs: {{test: {{steps: [{{run: pytest}}]}}}}",
    ],
)
def test_a_workflow_of_the_wrong_shape_is_no_reason_to_fail(place: str, value: str) -> None:
    assert planned(workflow(place.format(value)))


@pytest.mark.parametrize("value", ["3", "true", '"{"', "[]", "[3, [3], {}]", "{a = 3}"])
@pytest.mark.parametrize(
    "key",
    [
        "tool.hatch.envs.test.scripts",
        "tool.hatch.envs.test.scripts.test",
        "tool.hatch.envs.test.env-vars",
        "tool.hatch.envs.test.template",
        "tool.hatch.envs.test.features",
        "tool.hatch.envs.hatch-test.default-args",
        "tool.poe.tasks",
        "tool.poe.tasks.test",
        "tool.poe.tasks.test.sequence",
        "tool.poe.tasks.test.env",
        "tool.pdm.scripts.test.cmd",
        "tool.taskipy.tasks",
        "tool.uv.default-groups",
        "tool.tox.env.py311",
        "tool.tox.env_list",
    ],
)
def test_a_table_of_the_wrong_shape_is_no_reason_to_fail(key: str, value: str) -> None:
    assert planned(tree(pyproject_toml=f"{key} = {value}\n"))


def test_files_meant_to_hurt_cost_little() -> None:
    doubled = "A=pytest\n" + "A=$A$A\n" * 80 + "pip install $A\npytest\n"
    rules = "".join(f"r{n}: {' '.join(f'r{m}' for m in range(60))}\n\tpytest\n" for n in range(60))
    variables = "".join(f"V{n} = {f'$(V{n + 1})' * 60}\n" for n in range(40))
    bomb = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n + 1} [{f'*a{n},' * 9}]\n" for n in range(40))
    axes = "".join(f"        x{n}: [1, 2, 3, 4, 5, 6, 7, 8]\n" for n in range(20))
    growing = "a = ['x']\n" + "a = a + a\n" * 80 + "b = 'x'\n" + "b = f'{b}{b}'\n" * 80
    held = {
        "setup.py": growing,
        "noxfile.py": growing,
        "scripts/test": "#!/bin/sh\n" + doubled,
        "Makefile": variables + "test: r1\n\tpip install $(V0)\n" + rules,
        ".github/workflows/a.yml": bomb + "jobs: {test: {runs-on: *a40, steps: [{run: pytest}]}}",
        ".github/workflows/b.yml": "[" * 100_000,
        ".github/workflows/c.yml": "jobs: {t: {steps: [{run: '" + "${{ (" * 9_000 + "'}]}}",
        ".github/workflows/d.yml": f"jobs:\n  t:\n    strategy:\n      matrix:\n{axes}"
        "    steps: [{run: pytest}]\n",
    }
    assert planned(MemoryTree({**tree().files, **held}))


def test_the_first_plan_asks_for_debian_packages_and_the_last_for_none() -> None:
    found = planned(job("sudo apt-get install -y libxml2-dev g++", "pytest"))
    assert found[0].system == ("g++", "libxml2-dev")
    assert found[-1].system == ()
    assert len(found) <= 12
