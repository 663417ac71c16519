"""Agents on tasks in real sandboxes: what they see, what they leave, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.sandboxes import bubblewrap
from tests.furniture.chat_api import Said, chat_api
from tests.furniture.environments import install_package
from tests.furniture.workplace import Workplace, command_variables

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(not bubblewrap.works(), reason="needs bubblewrap"),
]
SEEN = """
git log --oneline --all | wc -l >seen.txt
git remote | wc -l >>seen.txt
id -u >>seen.txt
cat "$BUGFOUNDRY_STATEMENT_FILE" >>seen.txt
python -c 'import socket; socket.create_connection(("192.0.2.1", 80), 2)' 2>>seen.txt
cat FIX/secret 2>>seen.txt
"""
CHEAT = """
git apply FIX/fix.patch
echo 'raise SystemExit(0)' >tests/conftest.py
git config core.fsmonitor 'touch /tmp/evil'
ln -s / outside
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A folder with an export of one task, and its fix in a folder of its own."""
    made = Workplace(tmp_path_factory.mktemp("work"))
    made.forge("local", "--max-bugs", "3", "--seed", "5")
    words = ("--gates", "pass-to-pass", "--format", "jsonl", "-o", "tasks.jsonl")
    made.run("export", "--store", "local.db", *words)
    row = json.loads((made.folder / "tasks.jsonl").read_text().splitlines()[0])
    (made.folder / "one.jsonl").write_text(json.dumps(row) + "\n")
    (made.folder / "fix").mkdir()
    (made.folder / "fix/fix.patch").write_text(row["fix_patch"])
    return made


def roll(workplace: Workplace, agent: str, *words: str, name: str) -> dict[str, Any]:
    """Run an agent on the task, and return the line that is kept."""
    place = workplace.folder / f"{name}.jsonl"
    agent = agent.replace("FIX", str(workplace.folder / "fix"))
    mount = ("--mount", "fix") if "fix.patch" in agent else ()
    workplace.run(
        "rollout", "--agent", agent, "--tasks", "one.jsonl", "-o", place.name, *mount, *words
    )
    return dict(json.loads(place.read_text().splitlines()[-1]))


def test_an_agent_sees_the_start_state_and_nothing_else(workplace: Workplace) -> None:
    (workplace.folder / "fix/secret").write_text("secret\n")

    row = roll(workplace, SEEN, name="seen")

    assert not row["resolved"] and row["error"] == ""
    lines = [line[1:] for line in row["patch"].splitlines() if line.startswith("+")]
    assert lines[1:3] == ["1", "0"]
    assert int(lines[3]) != 0
    assert "# Tests of shop fail" in lines
    assert any("unreachable" in line for line in lines)
    assert any("secret: No such file" in line for line in lines)


def test_what_an_agent_leaves_is_graded_without_its_tricks(workplace: Workplace) -> None:
    row = roll(workplace, CHEAT, name="cheat")

    assert row["resolved"] is True
    assert "tests/conftest.py" in row["patch"]
    assert "outside" in row["patch"] and "root:" not in row["patch"]
    assert row["messages"][0]["role"] == "user"


def test_an_agent_that_does_not_end_is_ended_and_its_work_counts(workplace: Workplace) -> None:
    row = roll(workplace, "git apply FIX/fix.patch; sleep 1000", "--timeout", "10", name="slow")

    assert row["exit"] is None
    assert row["resolved"] is True


def test_attempts_are_kept_and_exported_as_the_field_has_them(workplace: Workplace) -> None:
    words = ("--attempts", "2", "--model", "lazy")
    row = roll(workplace, "true", *words, name="lazy")
    before = (workplace.folder / "lazy.jsonl").read_text()
    roll(workplace, "true", *words, name="lazy")

    assert (workplace.folder / "lazy.jsonl").read_text() == before
    assert len(before.splitlines()) == 2 and row["model"] == "lazy"
    export = ("export", "--format", "trajectories", "--rollouts", "lazy.jsonl")
    workplace.run(*export, "-o", "all.jsonl")
    workplace.run(*export, "-o", "solved.jsonl", "--resolved")
    kept = [json.loads(x) for x in (workplace.folder / "all.jsonl").read_text().splitlines()]
    assert [set(each) for each in kept] == [
        {"messages", "instance_id", "resolved", "model", "traj_id", "patch"}
    ] * 2
    assert len({each["traj_id"] for each in kept}) == 2
    assert (workplace.folder / "solved.jsonl").read_text() == ""


async def test_mini_swe_agent_solves_a_task_with_a_scripted_model(
    workplace: Workplace,
) -> None:
    mini = await asyncio.to_thread(install_package, "mini-swe-agent==2.4.6", Path(sys.executable))
    fix = (workplace.folder / "fix/fix.patch").read_text()
    commands = ["ls", f"git apply - <<'EOF'\n{fix}EOF"]
    commands.append("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")
    answers = [Said(text="So.", arguments=json.dumps({"command": each})) for each in commands]

    async with chat_api(*answers) as chat:
        variables = {
            "OPENAI_API_KEY": "none",
            "OPENAI_API_BASE": chat.url,
            "MSWEA_CONFIGURED": "true",
            "MSWEA_COST_TRACKING": "ignore_errors",
            "MSWEA_GLOBAL_CONFIG_DIR": "/tmp/mini",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "rollout", "--agent", MINI.format(mini=mini)),
            *("--mount", str(mini), "--network", "--tasks", "one.jsonl"),
            *("-o", "mini.jsonl", "--model", "mini", "--timeout", "300"),
            *(word for name, text in variables.items() for word in ("--env", f"{name}={text}")),
            cwd=workplace.folder,
            env=command_variables(workplace.cache),
        )
        assert await process.wait() == 0

    row = json.loads((workplace.folder / "mini.jsonl").read_text())
    roles = [message["role"] for message in row["messages"]]
    assert row["resolved"] is True
    assert roles[:3] == ["system", "user", "assistant"]
    assert roles.count("assistant") == len(chat.asked) == 3


MINI = (
    '{mini}/bin/mini -m openai/scripted -t "$BUGFOUNDRY_STATEMENT" -y --exit-immediately '
    '-o "$BUGFOUNDRY_TRAJECTORY_FILE"'
)
