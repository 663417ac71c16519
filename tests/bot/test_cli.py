"""What a person sees of the command line: one line for a mistake, help that teaches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.furniture.workplace import run_command, without_progress


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("forge", "no/such/folder"), "no/such/folder"),
        (("forge", "pypi:"), "pypi:"),
        (("forge", "ext::sh -c id"), "ext::"),
        (("forge", ".", "--operator", "no-such-operator"), "bugfoundry operators"),
        (("forge", ".", "--install", "'-e ."), "--install"),
        (("show", "no-such-task"), "no-such-task"),
        (("check", "no-such-task"), "no-such-task"),
        (("export", "-o", "x.jsonl"), "bugfoundry forge"),
        (("tasks", "--store", "broken.db"), "broken.db"),
        (("env", "show", "empty"), "bugfoundry env build"),
        (("audit", "no/such/folder"), "no/such/folder"),
        (("verify",), "--leaks"),
        (("verify", "no-such.jsonl"), "no-such.jsonl"),
        (("verify", "empty"), "tasks.jsonl"),
        (("verify", "empty/a.py"), "neither JSON lines nor parquet"),
        (("rollout",), "--agent"),
        (("rollout", "--agent", "true", "--mount", "no-such"), "no-such"),
        (("rollout", "--agent", "true"), "bugfoundry forge"),
        (("transfer", "no-such.json", "--tasks", "no-such.jsonl"), "no-such.jsonl"),
        (("export", "--format", "trajectories", "-o", "x.jsonl"), "--rollouts"),
        (("audit", "empty"), "bugfoundry forge empty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_gets_one_clear_line(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("this is no database " * 200)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.py").write_text("a = 1\n")

    result = run_command(*words, cwd=tmp_path)

    assert result.returncode == 1
    [line] = without_progress(result.stderr).splitlines()
    assert line.startswith("bugfoundry: ")
    assert told in line
    assert (tmp_path / "broken.db").read_text().startswith("this is no database")


def test_predictions_without_a_row_get_one_line_and_a_code_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")

    for name in ("no-such.jsonl", "empty.jsonl"):
        result = run_command("evaluate", "--predictions", name, cwd=tmp_path)

        assert result.returncode == 2
        assert result.stderr.startswith("bugfoundry: ") and name in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_help_starts_with_the_command_to_begin_with(tmp_path: Path) -> None:
    result = run_command("--help", cwd=tmp_path)

    assert result.returncode == 0
    assert "bugfoundry forge pypi:itsdangerous" in result.stdout


def test_operators_are_listed_with_what_they_do(tmp_path: Path) -> None:
    result = run_command("operators", "--json", cwd=tmp_path)

    assert result.returncode == 0
    assert '"remove-conditional"' in result.stdout


def test_a_command_starts_without_the_others_and_what_they_need(tmp_path: Path) -> None:
    told = "import bot.cli, sys; bot.cli.command('tasks'); print(*sys.modules, sep='\\n')"

    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.splitlines())
    assert "bot.commands.listings" in loaded
    assert not loaded & {"bot.commands.forge", "anthropic", "pandas", "numpy", "pyarrow"}


def test_a_word_that_is_no_command_is_told_what_it_is_near_to(tmp_path: Path) -> None:
    assert "Did you mean 'verify'?" in run_command("verfy", cwd=tmp_path).stderr
