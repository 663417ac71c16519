"""The tables as the first migration makes them. Once released never edited: add a migration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableSchema:
    """A table. Lists of columns are words; a column is text unless it stands in another list.

    A reference is written ``table.column``; a column with a default is never null.
    """

    name: str
    key: str
    columns: str
    integers: str = ""
    floats: str = ""
    blobs: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()

    def types(self) -> dict[str, type]:
        """Return the type of each column, in their order."""
        types: dict[str, type] = dict.fromkeys(self.columns.split(), str)
        for names, kind in ((self.integers, int), (self.floats, float), (self.blobs, bytes)):
            types |= dict.fromkeys(names.split(), kind)
        return types


TREE = {"tree": "trees.tree"}
BUG = {"bug": "bugs.id"}
ENVIRONMENT = {"environment": "environments.id"}
TESTS = "fail_to_pass spilled green excluded pass_to_pass"

SOURCES = (
    TableSchema("trees", "tree", "tree"),
    TableSchema(
        "repositories",
        "tree owner name commit",
        "tree owner name commit source date version turn root",
        integers="turn",
        references=TREE,
        defaults={"root": ""},
    ),
    TableSchema(
        "attempts",
        "id",
        "id tree sandbox plan ok reason detail seconds",
        integers="id ok",
        floats="seconds",
        references=TREE,
        indexes=("tree sandbox",),
    ),
)
"""Trees, the repositories that have them, and the plans tried on them."""

ENVIRONMENTS = (
    TableSchema(
        "environments",
        "id",
        "id tree sandbox python plan lock base arch handle seconds turn size",
        integers="turn size",
        floats="seconds",
        references=TREE,
        defaults={"size": 0},
        indexes=("tree sandbox",),
    ),
    TableSchema(
        "tests",
        "environment number",
        "environment number test",
        integers="number",
        references=ENVIRONMENT,
        unique=("environment test",),
    ),
    TableSchema("test_sets", "name", "name size numbers", integers="size", blobs="numbers"),
    TableSchema(
        "baselines",
        "environment",
        "environment seconds runs green",
        integers="runs",
        floats="seconds",
        references=ENVIRONMENT | {"green": "test_sets.name"},
    ),
    TableSchema(
        "baseline_tests",
        "environment position",
        "environment position number outcome seconds set_aside",
        integers="position number",
        floats="seconds",
        references={"environment": "baselines.environment"},
    ),
    TableSchema(
        "coverage", "environment", "environment data", blobs="data", references=ENVIRONMENT
    ),
    TableSchema("images", "environment", "environment image", references=ENVIRONMENT),
)
"""Environments, their tests (numbered for good), what was seen of those, and their images."""

BUGS = (
    TableSchema("bugs", "id", "id tree patch changes", references=TREE, indexes=("tree",)),
    TableSchema(
        "origins",
        "bug strategy operator path entity line seed",
        "bug strategy operator path entity line seed commit pull undone parents model",
        integers="line seed pull",
        floats="undone",
        references=BUG,
        defaults={"commit": "", "pull": 0, "undone": 0.0, "parents": "[]", "model": ""},
    ),
    TableSchema(
        "verdicts",
        "bug environment harness mode",
        f"bug environment harness mode reason {TESTS} seconds detail kinds",
        floats="seconds",
        references=BUG | ENVIRONMENT | dict.fromkeys(TESTS.split(), "test_sets.name"),
        defaults={"kinds": "[]"},
    ),
    TableSchema(
        "tasks",
        "id",
        "id bug environment statement created hints removed test_patch",
        references=BUG | ENVIRONMENT,
        defaults={"hints": "[]", "removed": "[]", "test_patch": ""},
        indexes=("bug", "created id bug"),
    ),
    TableSchema(
        "standings",
        "id",
        "id bug tree strategy operator path entity line reason mode environment harness "
        "seconds tasks",
        integers="id line tasks",
        floats="seconds",
        unique=("bug",),
        indexes=("tree strategy operator reason mode tasks seconds",),
    ),
)
"""Bugs, where each was found, what execution said, the tasks made of them, and how each stands."""

PULLS = (
    TableSchema(
        "pull_requests",
        "repository commit",
        "repository commit base number title body author association bot branch labels "
        "created merged updated files commits links origin",
        integers="number bot",
        indexes=("repository number",),
    ),
    TableSchema(
        "issues",
        "repository number",
        "repository number title body author bot created labels comments",
        integers="number bot",
    ),
    TableSchema(
        "mirrorings",
        "tree repository commit",
        "tree repository commit outcome detail tier undone bug fix tried",
        floats="undone",
        references=TREE,
        defaults={"fix": "", "tried": ""},
    ),
    TableSchema("crawls", "repository origin", "repository origin newest cursor state"),
)
"""Pull requests with the issues they close, and what became of each on a tree."""

MODELS = (
    TableSchema(
        "model_calls",
        "key",
        "key model purpose answer input_tokens output_tokens cache_write_tokens "
        "cache_read_tokens dollars seconds created repository strategy run batch",
        integers="input_tokens output_tokens cache_write_tokens cache_read_tokens",
        floats="dollars seconds",
        defaults=dict.fromkeys(("created", "repository", "strategy", "run", "batch"), ""),
        indexes=(
            *("created", "repository", "run"),
            "repository strategy purpose model created dollars",
        ),
    ),
    TableSchema(
        "model_holds",
        "id",
        "id key dollars created repository run",
        floats="dollars",
        indexes=("created", "repository", "run"),
    ),
    TableSchema("model_batches", "id", "id model created name rejected"),
    TableSchema(
        "batched_requests",
        "batch key",
        "batch key hold tool purpose repository strategy run created outcome detail",
        references={"batch": "model_batches.id"},
        indexes=("key",),
    ),
)
"""Calls to a language model, dollars set aside for those under way, and calls sent together."""

SERVICE = (
    TableSchema(
        "deliveries",
        "guid",
        "guid event action repository installation received body",
        integers="repository installation",
        floats="received",
        blobs="body",
        indexes=("received",),
    ),
    TableSchema(
        "jobs",
        "id",
        "id kind subject queue repository installation lane priority payload state again "
        "attempts due worker lease created started ended note error",
        integers="id repository installation priority again attempts",
        floats="due lease created started ended",
        unique=("kind subject",),
        indexes=(
            *("queue state due", "lane state", "repository state"),
            "state queue kind repository",
        ),
    ),
    TableSchema(
        "turns", "queue installation", "queue installation turn", integers="installation turn"
    ),
    TableSchema(
        "installations",
        "id",
        "id account kind state selection permissions looked",
        integers="id",
        floats="looked",
    ),
    TableSchema(
        "hosted",
        "id",
        "id installation name private state default_branch head opted_in since because "
        "settings commit tree built looked",
        integers="id installation private opted_in",
        floats="since built looked",
        indexes=("name",),
    ),
    TableSchema(
        "hosted_trees",
        "repository tree",
        "repository tree commit since",
        integers="repository",
        floats="since",
        references={"repository": "hosted.id"} | TREE,
        indexes=("tree",),
    ),
    TableSchema(
        "marks",
        "repository number",
        "repository number mark by since",
        integers="repository number",
        floats="since",
        references={"repository": "hosted.id"},
    ),
    TableSchema(
        "written",
        "key",
        "key repository number digest since",
        integers="repository number",
        floats="since",
    ),
)
"""What GitHub told the service, its jobs, what is opted in, and what was written to GitHub."""

ELSEWHERE = (
    TableSchema(
        "dispatches",
        "plan",
        "plan repository environment place created address run state attempt bugs expected "
        "used verdicts valid ended detail",
        integers="attempt bugs verdicts valid",
        floats="expected used",
        indexes=("place run", "repository", "created"),
    ),
    TableSchema("minute_limits", "scope of", "scope of minutes", floats="minutes"),
    TableSchema(
        "campaign_steps",
        "campaign source",
        "campaign source state attempts started seconds tasks verdicts failure",
        integers="attempts tasks verdicts",
        floats="seconds",
    ),
)
"""Batches of bugs that are judged elsewhere, the runner minutes they take, and campaigns."""

TABLES = SOURCES + ENVIRONMENTS + BUGS + PULLS + MODELS + SERVICE + ELSEWHERE
"""All tables, each after those it refers to."""
