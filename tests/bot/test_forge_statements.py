"""The main job with statements by a model, as a person runs it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from storage.store import Store
from tasks.statements import is_template
from tasks.voices import style_of
from tests.furniture.messages_api import messages_api
from tests.furniture.workplace import Workplace, command_variables, without_progress

ANSWER = {
    "title": "Wrong results since the upgrade",
    "body": "The results are not what the documentation promises, with quite ordinary values.",
    "script": "",
}

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.mark.parametrize("sandbox", ["local", pytest.param("docker", marks=pytest.mark.docker)])
async def test_statements_are_written_where_that_is_wanted(tmp_path: Path, sandbox: str) -> None:
    place = Workplace(tmp_path)
    store = tmp_path / "store.db"
    words = ["forge", "shop", "--sandbox", sandbox, "--store", str(store), "--json"]
    words += ["--max-bugs", "12", "--strategies", "procedural", "--model-budget", "20"]

    async def forge(*more: str) -> tuple[list[str], str]:
        done = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", *words, *more),
            cwd=tmp_path,
            env=command_variables(
                place.cache,
                ANTHROPIC_API_KEY="test",
                ANTHROPIC_BASE_URL=str(service.client.base_url) if service.client else "",
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await done.communicate()
        assert done.returncode == 0, err.decode()
        return json.loads(out)["tasks"], without_progress(err.decode())

    async with messages_api(*[ANSWER] * 60) as service:
        tasks, noted = await forge()
        assert (service.asked, noted) == ([], "")
        again, noted = await forge("--statements", "model")
        asked = len(service.asked)
        assert again == tasks
        assert "written" in noted
        assert await forge() == (tasks, "")
        assert len(service.asked) == asked
    with Store(store) as opened:
        found = opened.tasks()
        failing = {t.bug: opened.verdicts(t.environment, bug=t.bug)[-1].fail_to_pass for t in found}
    written = [task for task in found if not is_template(task.statement)]
    scripted = [task for task in found if style_of(task.bug, scripts=True).name == "script"]
    assert len(found) == len(tasks) > 3
    assert len(written) == len(found) - len(scripted) > 0
    # Two bugs whose tests fail alike in all they say are one question, and paid once.
    questions = {failing[task.bug] for task in written}
    assert len(questions) <= asked - 3 * len(scripted) <= len(written)
