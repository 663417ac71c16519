"""Bugs judged by the workflows themselves: the commands in their YAML are what runs."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from uv import find_uv_bin

from forge.compose import forge_in, make_ready
from forge.remote.actions.preparation import engine_at
from forge.run.pace import BatchPace
from forge.run.progress import Quiet
from forge.run.settings import (
    EngineSettings,
    EnvironmentSettings,
    ProposalSettings,
    Settings,
    ValidationSettings,
)
from forge.run.summary import Summary
from harness.sandboxes import bubblewrap
from storage.git import line
from storage.store import Store
from storage.trees import Trees
from tests.furniture.actions import Dispatch, ExecutorPlace, Lost, Machine, Run
from tests.furniture.environments import share_environments
from tests.furniture.project import write_history, write_project

ROOT = Path(__file__).parents[2]
BUGS = 12

pytestmark = [pytest.mark.network, pytest.mark.slow]


class Site:
    """A repository, a cache, and what this machine's own engine says of its bugs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = write_project(folder / "shop")
        shutil.copy(ROOT / "LICENSE", self.code / "LICENSE")
        for words in (
            ("init", "--quiet", "--initial-branch=main"),
            ("config", "uploadpack.allowAnySHA1InWant", "true"),
            ("add", "--all"),
            ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Start"),
        ):
            self.git(*words)
        self.cache = share_environments(folder / "cache")
        self.settings = Settings(
            source=str(self.code),
            cache=self.cache,
            environment=EnvironmentSettings(sandbox="local"),
            proposals=ProposalSettings(max_bugs=BUGS, seed=5, strategies=("procedural",)),
            validation=ValidationSettings(workers=2),
            engine=EngineSettings(pace=BatchPace(shards=2, workers=1, linger=30, poll=0.5)),
        )

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.code, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def dispatch(self, name: str, **inputs: object) -> Dispatch:
        """What a person or the bot would dispatch; machines share this one's cache of downloads."""
        asked = [find_uv_bin(), "cache", "dir"]
        uv_cache = subprocess.run(asked, capture_output=True, text=True, check=True)
        return Dispatch(
            tool=ROOT,
            workflow="validate.yml",
            inputs={"sandbox": "local", **inputs},
            code=self.code,
            sha=self.git("rev-parse", "HEAD"),
            root=self.folder / name,
            actions=self.folder / "actions",
            env={"UV_CACHE_DIR": uv_cache.stdout.strip()},
        )

    async def forge(self, name: str, place: ExecutorPlace | None = None) -> tuple[Summary, str]:
        """Forge into a store of this name; return the summary, and what a person is told."""
        told = io.StringIO()
        console = Console(file=told, width=500)
        await self.begin(name)
        with Store(self.folder / name) as store:
            trees, reporter = Trees(self.cache), Quiet(console)
            ready = await make_ready(self.settings, store=store, trees=trees, reporter=reporter)
            if place is not None:
                ready = replace(ready, make_engine=partial(engine_at, place))
            summary = await forge_in(ready, self.settings, trees, store=store, reporter=reporter)
        return summary, told.getvalue()

    async def begin(self, name: str) -> None:
        """Begin a store with the environment; it is measured once for all."""
        first = self.folder / "environment.db"
        if not first.exists():
            with Store(first) as store:
                reporter, trees = Quiet(Console(file=io.StringIO())), Trees(self.cache)
                await make_ready(self.settings, store=store, trees=trees, reporter=reporter)
        shutil.copy(first, self.folder / name)

    def outcome(self, name: str) -> tuple[object, ...]:
        """All that a store says of bugs, but for times and dates."""
        with Store(self.folder / name) as store:
            verdicts = {
                v.bug: (v.reason, v.fail_to_pass, v.pass_to_pass, v.spilled, v.kinds)
                for v in store.verdicts()
            }
            return verdicts, {task.id: task.statement for task in store.tasks()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not bubblewrap.works() and os.environ.get("CI") != "true":
        pytest.skip("a job runs no code without a cage; install bubblewrap")
    yield Site(tmp_path_factory.mktemp("actions"))


async def test_a_batch_judged_by_jobs_comes_to_what_this_machine_says(site: Site) -> None:
    await site.forge("local.db")
    place = ExecutorPlace(site.dispatch("runs"), Trees(site.cache))

    summary, told = await site.forge("actions.db", place)

    assert len(site.outcome("local.db")[0]) == BUGS  # type: ignore[arg-type]
    assert site.outcome("actions.db") == site.outcome("local.db")
    assert len(summary.tasks) >= 5
    assert "12 bugs to executor in 2 shards, " in told
    (started,) = place.runs.values()
    (result,) = started.result
    assert result.conclusion == "success"
    assert result.jobs == {
        "environment": "skipped",
        "judge / check": "success",
        "judge / first / shard 0": "success",
        "judge / first / shard 1": "success",
        "judge / first": "success",
        "judge / collect": "success",
        "judge / again": "skipped",
        "judge": "success",
    }


async def test_whatever_befalls_a_run_the_result_is_the_same(site: Site) -> None:
    if not (site.folder / "local.db").exists():
        await site.forge("local.db")

    def cancel_the_first(number: int, run: Run) -> None:
        def wait_and_cancel() -> None:
            while not list((site.folder / "bad").glob("1/machine-*/work/verdicts/*.jsonl")):
                time.sleep(0.1)
            time.sleep(3)
            run.cancel()

        if number == 1:
            threading.Thread(target=wait_and_cancel, daemon=True).start()

    def lose_a_machine(machine: Machine, command: str, process: subprocess.Popen[bytes]) -> None:
        """In the second run the machine of one shard goes down as it begins to judge."""
        is_second = "/bad/2/" in str(machine.folder)
        script = Path(command.split()[-1]).read_text() if command.startswith("bash") else ""
        if is_second and machine.job == "judge / first / shard 0" and "run-shard" in script:
            time.sleep(5)
            os.killpg(process.pid, signal.SIGKILL)
            raise Lost

    def spoil(number: int, archives: dict[str, bytes]) -> dict[str, bytes]:
        """What is fetched of the second run: one archive damaged, one there twice."""
        if number != 2:
            return archives
        damaged = archives["verdicts-1-1"]
        assert zipfile.is_zipfile(io.BytesIO(damaged))
        return {
            **archives,
            "verdicts-1-1": damaged[:60] + bytes(20) + damaged[80:],
            "verdicts-2-copy": archives["verdicts-2-0"],
        }

    dispatch = site.dispatch("bad")
    dispatch.started = lose_a_machine
    place = ExecutorPlace(dispatch, Trees(site.cache), change=spoil, begun=cancel_the_first)

    _summary, told = await site.forge("bad.db", place)

    assert site.outcome("bad.db") == site.outcome("local.db")
    first, second, *_ = (each.result[0] for each in place.runs.values())
    assert first.conclusion == "cancelled"
    assert second.jobs["judge / first / shard 0"] == "failure"
    assert second.jobs["judge / again / shard 0"] == "success"
    assert "run 1 ended (cancelled)" in told
    assert "the run: cancelled; " in told
    assert "1 delivery not believed" in told
    with Store(site.folder / "bad.db") as store:
        attempts = [each.attempt for each in store.dispatches.all()]
    assert attempts[:2] == [1, 2]


async def test_a_maintainer_needs_no_bot(site: Site, tmp_path: Path) -> None:
    """Fixes of the history are mirrored too, and become tasks."""
    dispatch = site.dispatch(
        "alone", **{"max-bugs": "5", "shards": "1", "seed": "5", "workers": "1"}
    )
    dispatch.code = write_history(tmp_path / "shop", {"LICENSE": (ROOT / "LICENSE").read_text()})
    dispatch.sha = line("rev-parse", "HEAD", cwd=dispatch.code)

    result = Run(dispatch).execute()

    assert result.conclusion == "success", result.logs
    result.artifacts.unpack("tasks", tmp_path / "given")
    tasks = (tmp_path / "given" / "tasks.jsonl").read_text().splitlines()
    with Store(tmp_path / "given" / "bugfoundry.db") as store:
        assert len(store.verdicts()) == 5
        assert len(store.tasks()) >= len(tasks) >= 2
    assert sum("pull request 3" in task for task in tasks) == 1
    assert re.search(r"expected to be paid: \d+ runner minutes", result.log("plan"))


async def test_the_action_forges_within_one_job(site: Site, tmp_path: Path) -> None:
    """A maintainer's own code needs no licence for that."""
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "own.yml").write_text(
        "on: workflow_dispatch\n"
        "permissions: {contents: read}\n"
        "jobs:\n"
        "  forge:\n"
        "    runs-on: ubuntu-24.04\n"
        "    steps:\n"
        "      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1\n"
        "        with: {persist-credentials: false}\n"
        "      - id: made\n"
        "        uses: acme/bugfoundry/.github/actions/bugfoundry@" + "0" * 40 + "\n"
        "        with: {max-bugs: '4', sandbox: local, output: made.jsonl}\n"
        '      - run: wc -l < "$TASKS"\n'
        "        env: {TASKS: '${{ steps.made.outputs.tasks }}'}\n"
    )
    dispatch = site.dispatch("own")
    dispatch.inputs = {}
    dispatch.code = write_history(tmp_path / "shop")
    dispatch.sha = line("rev-parse", "HEAD", cwd=dispatch.code)
    dispatch.workflow = "own.yml"
    dispatch.caller = tmp_path
    dispatch.tool_name = "acme/bugfoundry"

    result = Run(dispatch).execute()

    assert result.conclusion == "success", result.logs
    assert int(result.logs["forge"][-1]) >= 1
