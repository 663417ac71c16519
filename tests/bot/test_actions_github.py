"""GitHub as the place where batches are judged: mirrors, runs, artifacts, and what goes wrong."""

from __future__ import annotations

import io
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from forge.remote.actions.engine import ActionsEngine
from forge.remote.actions.github_place import GitHubPlace
from forge.remote.actions.mirrors import (
    BRANCH,
    CODE,
    MirrorAccount,
    MirrorRepository,
    ensure_mirror,
    publish,
)
from forge.remote.actions.preparation import is_private, make_ready_far
from forge.remote.batch.artifacts import Artifact
from forge.remote.batch.bugs import gather
from forge.remote.batch.environments import Packed, write_environment
from forge.remote.batch.ingestion import keep_environment
from forge.remote.batch.plans import Batch, make_batch, read_batch, write_batch
from forge.run.pace import BatchPace
from forge.run.preparation import Ready
from forge.run.progress import Quiet
from forge.run.settings import EngineSettings, Settings
from mirror.github.client import GitHub
from storage.errors import BatchError, ConfigError, GitHubError
from storage.git import git
from storage.records import Bug, Repository, Verdict
from storage.store import Store
from storage.trees import Trees
from tasks.make import make_task
from tests.bot.batches import PATH, SOURCE, bug, delivered, packed, verdict_on, zipped
from tests.furniture.github_world import Descriptions, World, client_of, github_world
from tests.furniture.github_world.actions import Run
from tests.furniture.github_world.faults import bad_gateway
from tests.furniture.github_world.state import Repository as WorldRepository

pytestmark = pytest.mark.github

TOOL = f"acme/bugfoundry@{'a' * 40}"
Shape = Callable[[str, bytes], bytes | None]


@dataclass
class Place:
    """The App's view of an operator's account, and what GitHub holds behind it."""

    world: World
    github: GitHub
    operator: MirrorAccount
    trees: Trees
    repository: Repository
    folder: Path

    async def mirror(self, *, private: bool = False) -> MirrorRepository:
        return await ensure_mirror(
            self.github, self.operator, self.repository, private=private, trees=self.trees
        )

    def there(self, name: str) -> WorldRepository:
        return self.world.repositories[name.lower()]

    def refs(self, name: str) -> dict[str, str]:
        found = self.there(name)
        assert found.git is not None
        listed = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=found.git)
        return dict(line.split() for line in listed.decode().splitlines())

    def files(self, name: str, ref: str) -> set[str]:
        found = self.there(name)
        assert found.git is not None
        return set(git("ls-tree", "-r", "--name-only", ref, cwd=found.git).decode().split())


@asynccontextmanager
async def opened(descriptions: Descriptions, tmp_path: Path) -> AsyncIterator[Place]:
    async with github_world(descriptions) as world:
        account = world.user("operator", "Organization")
        app = world.app(
            permissions={
                "actions": "write",
                "administration": "write",
                "contents": "write",
                "workflows": "write",
            },
            events=(),
        )
        token = world.grant(world.install(app, account)).token
        trees = Trees(tmp_path / "cache")
        source = tmp_path / "source"
        for path, text in (
            (PATH, SOURCE),
            (".github/workflows/ci.yml", "on: push\njobs: {}\n"),
            (".github/workflows/release.yml", "on: push\njobs: {}\n"),
        ):
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        tree = trees.snapshot(source)

        async def given() -> str:
            return token

        async with client_of(world, token=token) as github:
            yield Place(
                world=world,
                github=github,
                operator=MirrorAccount(account="operator", tool=TOOL, url=world.url, token=given),
                trees=trees,
                repository=Repository(
                    owner="acme", name="shop", commit="2" * 40, tree=tree, source="acme/shop"
                ),
                folder=tmp_path,
            )


@pytest.fixture
async def place(descriptions: Descriptions, tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(descriptions, tmp_path) as found:
        yield found


async def test_a_mirror_is_one_commit_that_holds_the_code_and_one_workflow(place: Place) -> None:
    mirror = await place.mirror()

    assert mirror.name == "operator/acme__shop.22222222"
    assert place.files(mirror.name, BRANCH) == {PATH, ".github/workflows/bugfoundry.yml"}
    found = place.there(mirror.name)
    assert found.git is not None
    assert git("rev-list", "--count", "--all", "--", cwd=found.git).decode().strip() == "2"
    assert not found.private


async def test_the_code_as_it_is_lies_where_no_workflow_of_it_can_run(place: Place) -> None:
    mirror = await place.mirror()

    assert place.refs(mirror.name)[CODE] == mirror.code
    assert ".github/workflows/ci.yml" in place.files(mirror.name, mirror.code)
    branches = [
        ref for ref in place.refs(mirror.name) if ref.startswith(("refs/heads", "refs/tags"))
    ]
    assert branches == [f"refs/heads/{BRANCH}"]


async def test_making_a_mirror_again_changes_nothing(place: Place) -> None:
    first = await place.mirror()
    before = place.refs(first.name)
    again = await place.mirror()

    assert (first.made, again.made) == (True, False)
    assert place.refs(first.name) == before


async def test_a_mirror_is_brought_up_to_date_with_the_tool(place: Place) -> None:
    first = await place.mirror()
    before = place.refs(first.name)
    newer = replace(place.operator, tool=f"acme/bugfoundry@{'b' * 40}")
    place.operator = newer
    await place.mirror()

    after = place.refs(first.name)
    assert after[f"refs/heads/{BRANCH}"] != before[f"refs/heads/{BRANCH}"]
    assert after[CODE] == before[CODE]


async def test_a_private_source_has_a_private_mirror(place: Place) -> None:
    mirror = await place.mirror(private=True)

    assert place.there(mirror.name).private


@pytest.mark.parametrize("tool", ["acme/bugfoundry", "acme/bugfoundry@v1", "evil\n@" + "a" * 40])
async def test_a_tool_that_is_not_named_by_a_commit_is_refused(place: Place, tool: str) -> None:
    place.operator = replace(place.operator, tool=tool)
    with pytest.raises(ConfigError, match="at a commit"):
        await place.mirror()
    assert not place.world.repositories


async def test_each_task_is_a_branch_that_starts_no_workflow(place: Place) -> None:
    mirror = await place.mirror()
    broken = replace(bug(3), tree=place.repository.tree)
    task = make_task(place.repository, broken, verdict_on(broken.id))

    commits = await publish(place.operator, mirror.name, [(task, broken)], place.trees)

    assert place.refs(mirror.name)[f"refs/heads/{task.id}"] == commits[task.id]
    assert place.files(mirror.name, task.id) == {PATH}
    found = place.there(mirror.name)
    assert found.git is not None
    assert "value_3 = -1" in git("show", f"{task.id}:{PATH}", cwd=found.git).decode()
    assert git("rev-list", "--count", task.id, cwd=found.git).decode().strip() == "1"


class Jobs:
    """Stands in for the machines: judges a batch that was dispatched as ``delivered`` says."""

    def __init__(self, place: Place, shape: Shape = lambda name, data: data) -> None:
        self.place = place
        self.shape = shape
        self.conclusion = ""
        self.runs: list[Run] = []

    async def __call__(self, run: Run) -> None:
        world = self.place.world
        self.runs.append(run)
        world.begin_run(run)
        batch = self._batch(run)
        for shard in batch.planned.shards:
            job = world.begin_job(run, f"judge / first / shard {shard.number}")
            world.clock.now += 61
            world.end_job(job)
            name = f"verdicts-1-{shard.number}"
            data = self.shape(name, zipped({"shard.jsonl": delivered(batch, shard)}))
            if data is not None:
                world.upload_artifact(run, name, data)
        world.end_run(run, self.conclusion)

    def _batch(self, run: Run) -> Batch:
        folder = self.place.folder / f"batch-{len(self.runs)}"
        assert run.repository.git is not None
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        subprocess.run(
            ["git", "fetch", "--quiet", str(run.repository.git), run.inputs["batch"]],
            cwd=folder,
            check=True,
        )
        subprocess.run(["git", "checkout", "--quiet", "FETCH_HEAD"], cwd=folder, check=True)
        return read_batch(folder)


async def place_of(place: Place) -> GitHubPlace:
    mirror = await place.mirror()
    return GitHubPlace(
        place.github,
        mirror.name,
        code=mirror.code,
        branch=BRANCH,
        registry="ghcr.io",
        url=place.operator.url,
        token=place.operator.token,
        trees=place.trees,
    )


def engine_of(at: GitHubPlace, place: Place, store: Store) -> ActionsEngine:
    tree = place.repository.tree
    mine = packed()
    environment = replace(mine.environment, tree=tree)
    baseline = replace(mine.baseline, environment=environment.id)
    mine = replace(mine, repository=place.repository, environment=environment, baseline=baseline)
    keep_environment(mine, store)
    return ActionsEngine(
        at,
        mine,
        read=lambda path: place.trees.read_file(tree, path),
        folder=place.folder / "batches",
        store=store,
        pace=BatchPace(shards=2, workers=1, linger=5, poll=0.05),
    )


async def judged(engine: ActionsEngine, place: Place, store: Store) -> list[Verdict]:
    bugs = [replace(bug(number), tree=place.repository.tree) for number in range(6)]

    async def given() -> AsyncIterator[Bug]:
        for each in bugs:
            store.add_bug(each)
            yield each

    async with aclosing(engine.judge(given())) as verdicts:
        return [verdict async for verdict in verdicts]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.db")


async def test_a_batch_goes_to_github_and_its_verdicts_come_back(
    place: Place, store: Store
) -> None:
    place.world.executor = jobs = Jobs(place)
    at = await place_of(place)

    verdicts = await judged(engine_of(at, place, store), place, store)

    assert sorted(each.reason for each in verdicts) == ["valid"] * 6
    (run,) = jobs.runs
    (dispatch,) = store.dispatches.all()
    assert dispatch.place == "actions:operator/acme__shop.22222222"
    assert dispatch.run == str(run.id)
    assert (dispatch.state, dispatch.used, dispatch.verdicts) == ("ended", 6, 6)
    assert run.title == f"bugfoundry {dispatch.address}"


async def test_a_dispatch_whose_answer_was_lost_is_found_and_not_repeated(
    place: Place, store: Store
) -> None:
    place.world.executor = jobs = Jobs(place)
    at = await place_of(place)
    place.world.faults.add(bad_gateway(after=True), method="POST", where="dispatches")

    verdicts = await judged(engine_of(at, place, store), place, store)

    assert len(verdicts) == 6
    assert len(jobs.runs) == 1


async def test_an_artifact_that_is_damaged_expired_or_too_large_is_judged_again(
    place: Place, store: Store
) -> None:
    def damaged_at_first(name: str, data: bytes) -> bytes | None:
        return data[:50] if len(jobs.runs) == 1 and name.endswith("-1") else data

    place.world.executor = jobs = Jobs(place, damaged_at_first)
    at = await place_of(place)

    verdicts = await judged(engine_of(at, place, store), place, store)

    assert len(verdicts) == 6
    assert len(jobs.runs) == 2
    assert "1 delivery not believed" in store.dispatches.all()[0].detail


async def test_expired_artifacts_say_so(place: Place, store: Store) -> None:
    place.world.executor = jobs = Jobs(place)
    at = await place_of(place)
    await judged(engine_of(at, place, store), place, store)
    for artifact in jobs.runs[0].artifacts:
        artifact.expired = True

    async with aclosing(at.artifacts(str(jobs.runs[0].id))) as found:  # type: ignore[type-var]
        told = [artifact async for artifact in found]

    assert [each.fault for each in told] == ["it has expired"] * 2
    assert all(isinstance(each, Artifact) and not each.data for each in told)


async def test_no_token_is_sent_to_where_artifacts_lie(place: Place, store: Store) -> None:
    """The store of artifacts refuses whoever brings one: that they arrive says it."""
    place.world.executor = Jobs(place)
    at = await place_of(place)
    await judged(engine_of(at, place, store), place, store)

    assert len(store.verdicts()) == 6


async def test_a_dispatch_that_github_refuses_ends_the_work_with_its_reason(
    place: Place, store: Store
) -> None:
    at = await place_of(place)
    mirror = place.there("operator/acme__shop.22222222")
    assert mirror.git is not None
    git("update-ref", "-d", f"refs/heads/{BRANCH}", cwd=mirror.git)

    with pytest.raises(GitHubError):
        await judged(engine_of(at, place, store), place, store)

    assert [each.state for each in store.dispatches.all()] == ["put"]


async def test_a_batch_is_the_same_commit_wherever_it_is_put_from(place: Place) -> None:
    at = await place_of(place)
    bugs = [replace(bug(number), tree=place.repository.tree) for number in range(3)]
    mine = packed()
    environment = replace(mine.environment, tree=place.repository.tree)
    baseline = replace(mine.baseline, environment=environment.id)
    mine = replace(mine, environment=environment, baseline=baseline)
    gathered = gather(place.repository.tree, bugs, {PATH: SOURCE.encode()}.get)
    batch = make_batch(mine, gathered, aim=1, workers=1)
    addresses = set()
    for name in ("one", "two"):
        write_batch(place.folder / name, batch)
        addresses.add(await at.upload_batch(place.folder / name, batch.planned.id))

    assert len(addresses) == 1
    await at.remove(batch.planned.id)
    assert not any("batches" in ref for ref in place.refs("operator/acme__shop.22222222"))


class Building:
    """Stands in for the machine that builds: leaves what ``made`` returns as the environment."""

    def __init__(self, place: Place, made: Callable[[Packed], Packed], conclusion: str) -> None:
        self.place = place
        self.made = made
        self.conclusion = conclusion
        self.runs: list[Run] = []

    async def __call__(self, run: Run) -> None:
        self.runs.append(run)
        self.place.world.begin_run(run)
        folder = self.place.folder / f"built-{len(self.runs)}"
        name = write_environment(folder, self.made(packed_for(self.place)))
        archive = zipped({name: (folder / name).read_bytes()})
        self.place.world.upload_artifact(run, "environment", archive)
        self.place.world.end_run(run, self.conclusion)


IMAGE = f"ghcr.io/operator/acme__shop.22222222/environment@sha256:{'e' * 64}"


def packed_for(place: Place) -> Packed:
    tree = place.repository.tree
    mine = packed(image=IMAGE)
    environment = replace(mine.environment, tree=tree, sandbox="docker")
    baseline = replace(mine.baseline, environment=environment.id)
    return replace(mine, environment=environment, baseline=baseline)


async def ready_far(place: Place, store: Store) -> Ready:
    settings = Settings(
        source="acme/shop",
        cache=place.folder / "cache",
        engine=EngineSettings(pace=BatchPace(poll=0.05), registry="ghcr.io"),
    )
    store.add_repository(place.repository)
    return await make_ready_far(
        place.repository,
        settings,
        place.operator,
        place.github,
        private=False,
        store=store,
        trees=place.trees,
        reporter=Quiet(Console(file=io.StringIO())),
    )


async def test_an_environment_is_built_in_the_mirror_once(place: Place, store: Store) -> None:
    place.world.executor = building = Building(place, lambda made: made, "success")

    ready = await ready_far(place, store)
    again = await ready_far(place, store)

    (run,) = building.runs
    assert run.inputs["batch"] == ""
    assert run.inputs["code"] == place.refs("operator/acme__shop.22222222")[CODE]
    assert ready.image == again.image == IMAGE
    assert ready.prepared == again.prepared
    assert ready.make_engine is not None


async def test_a_build_that_nobody_waited_for_is_found(place: Place, store: Store) -> None:
    place.world.executor = building = Building(place, lambda made: made, "success")
    await ready_far(place, store)

    with Store(place.folder / "other.db") as other:
        await ready_far(place, other)

    assert len(building.runs) == 1


@pytest.mark.parametrize(
    ("change", "conclusion", "said"),
    [
        (lambda made: made, "failure", r"could not be built .*\(failure\): http"),
        (lambda made: replace(made, image="ghcr.io/evil:latest"), "success", "by its digest"),
        (lambda made: replace(made, image=""), "success", "by its digest"),
        (lambda made: packed(image=IMAGE), "success", "another tree's"),
    ],
    ids=["failed", "by tag", "no image", "another tree"],
)
async def test_an_environment_that_cannot_be_relied_on_is_refused(
    place: Place,
    store: Store,
    change: Callable[[Packed], Packed],
    conclusion: str,
    said: str,
) -> None:
    place.world.executor = Building(place, change, conclusion)

    with pytest.raises(BatchError, match=said):
        await ready_far(place, store)

    assert store.environment_for(place.repository.tree, "docker") is None


async def test_a_source_counts_as_private_until_github_says_otherwise(place: Place) -> None:
    place.world.repository("octo/open")
    place.world.privatize(place.world.repository("octo/closed"))

    async def private(source: str) -> bool:
        return await is_private(source, place.github)

    assert not await private("pypi:toolz")
    assert not await private("octo/open")
    assert await private("octo/closed")
    assert await private("octo/nowhere")
    assert await private(str(place.folder))
