"""Steps of workflows: what they tell the next one, and that nothing they print is a command."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.steps import NO_FILE, write_outputs
from harness.judge.judge import HARNESS_VERSION
from storage.errors import ConfigError
from tests.furniture.actions.machines import assignments
from tests.furniture.actions.spoken import Hearing
from tests.tasks.made import make

HOSTILE = """\
# It is broken

::set-output name=ended::done
  ::add-mask::a
in the midst of words: ##[set-output name=matrix]{"shard":[]}
::error file=a.py,line=1::gone
::stop-commands::mine
"""
LINES = st.sampled_from(["", "matrix=1", "matrix<<end", "end", "::x::", "name=value", "\r"])
VALUES = st.text() | st.lists(LINES).map("\n".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(["matrix", "image", "ended"]), VALUES))
def test_outputs_are_read_as_they_were_written_whatever_they_hold(
    tmp_path: Path, values: dict[str, str]
) -> None:
    file = tmp_path / "outputs"
    file.write_bytes(b"before=1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_OUTPUT", str(file))
        write_outputs(values)

    assert assignments(file.read_bytes().decode()) == {"before": "1"} | values


def test_no_value_can_know_where_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    write_outputs({"ended": "done"})
    [end] = [line.partition("<<")[2] for line in file.read_text().splitlines() if "<<" in line]

    write_outputs({"ended": f"late\n{end}\nmatrix=stolen"})

    assert assignments(file.read_text()) == {"ended": f"late\n{end}\nmatrix=stolen"}


def test_outside_a_workflow_there_is_nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    with pytest.raises(ConfigError, match="GITHUB_OUTPUT") as caught:
        write_outputs({"ended": "done"})
    assert str(caught.value) == NO_FILE


def printed(tmp_path: Path, **variables: str) -> tuple[list[str], list[str]]:
    """Show a task whose statement was written by an enemy, and return both streams, in lines."""
    made = make(tmp_path)
    made.store.add_verdict(replace(made.verdict, harness=HARNESS_VERSION))
    made.store.add_task(replace(made.task, statement=HOSTILE))
    made.store.close()
    env = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "show", made.task.id, "--store", str(made.store.path)],
        env=env | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines(), done.stdout.splitlines()


def test_in_a_job_nothing_that_is_printed_is_taken_for_a_command(tmp_path: Path) -> None:
    err, out = printed(tmp_path, GITHUB_ACTIONS="true")
    heard = Hearing()
    heard.hear(err)
    word = heard.stopped
    heard.hear(out)

    assert len(word) == 32
    assert (heard.outputs, heard.masks, heard.told, heard.refused) == ({}, [], [], [])
    assert heard.stopped == word
    assert "::set-output name=ended::done" in out
    assert not [line for line in out if word in line]


def test_each_step_has_a_word_of_its_own(tmp_path: Path) -> None:
    first, _ = printed(tmp_path / "1", GITHUB_ACTIONS="true")
    second, _ = printed(tmp_path / "2", GITHUB_ACTIONS="true")
    assert first != second


def test_without_that_a_runner_would_obey(tmp_path: Path) -> None:
    err, out = printed(tmp_path)
    heard = Hearing()
    heard.hear([*err, *out])

    assert err == []
    assert heard.outputs == {"ended": "done", "matrix": '{"shard":[]}'}
    assert heard.masks == ["a"]
    assert heard.stopped == "mine"
