"""The tables of the store, as migrations. A released migration is never edited: add another."""

from __future__ import annotations

from storage.database import Database, Migrations
from storage.tables import standings

MIGRATIONS = Migrations("bugfoundry")

APPLICATION_ID = 0x62756766
"""Marks the file as a store of ours (SQLite's ``application_id``): ``bugf``."""


@MIGRATIONS()
def m001_sources(db: Database) -> None:
    """Trees, the repositories that have them, and the plans tried on them."""
    db.table("trees").create({"tree": str}, pk="tree")
    db.table("repositories").create(
        {
            "tree": str,
            "owner": str,
            "name": str,
            "commit": str,
            "source": str,
            "date": str,
            "version": str,
            "turn": int,
        },
        pk=("tree", "owner", "name", "commit"),
        foreign_keys=[("tree", "trees", "tree")],
    )
    db.table("attempts").create(
        {
            "id": int,
            "tree": str,
            "sandbox": str,
            "plan": str,
            "ok": int,
            "reason": str,
            "detail": str,
            "seconds": float,
        },
        pk="id",
        foreign_keys=[("tree", "trees", "tree")],
    ).create_index(["tree", "sandbox"])


@MIGRATIONS()
def m002_environments(db: Database) -> None:
    """Environments, their tests (numbered for good) and what the baseline said of each."""
    db.table("environments").create(
        {
            "id": str,
            "tree": str,
            "sandbox": str,
            "python": str,
            "plan": str,
            "lock": str,
            "base": str,
            "arch": str,
            "handle": str,
            "seconds": float,
            "turn": int,
        },
        pk="id",
        foreign_keys=[("tree", "trees", "tree")],
    ).create_index(["tree", "sandbox"])
    db.table("tests").create(
        {"environment": str, "number": int, "test": str},
        pk=("environment", "number"),
        foreign_keys=[("environment", "environments", "id")],
    ).create_index(["environment", "test"], unique=True)
    db.table("test_sets").create({"name": str, "size": int, "numbers": bytes}, pk="name")
    db.table("baselines").create(
        {"environment": str, "seconds": float, "runs": int, "green": str},
        pk="environment",
        foreign_keys=[("environment", "environments", "id"), ("green", "test_sets", "name")],
    )
    db.table("baseline_tests").create(
        {
            "environment": str,
            "position": int,
            "number": int,
            "outcome": str,
            "seconds": float,
            "set_aside": str,
        },
        pk=("environment", "position"),
        foreign_keys=[("environment", "baselines", "environment")],
    )


@MIGRATIONS()
def m003_bugs(db: Database) -> None:
    """Bugs, where each was found, what execution said, and the tasks made of them."""
    db.table("bugs").create(
        {"id": str, "tree": str, "patch": str, "changes": str},
        pk="id",
        foreign_keys=[("tree", "trees", "tree")],
    ).create_index(["tree"])
    db.table("origins").create(
        {
            "bug": str,
            "strategy": str,
            "operator": str,
            "path": str,
            "entity": str,
            "line": int,
            "seed": int,
        },
        pk=("bug", "strategy", "operator", "path", "entity", "line", "seed"),
        foreign_keys=[("bug", "bugs", "id")],
    )
    db.table("verdicts").create(
        {
            "bug": str,
            "environment": str,
            "harness": str,
            "mode": str,
            "reason": str,
            "fail_to_pass": str,
            "spilled": str,
            "green": str,
            "excluded": str,
            "pass_to_pass": str,
            "seconds": float,
            "detail": str,
        },
        pk=("bug", "environment", "harness", "mode"),
        foreign_keys=[
            ("bug", "bugs", "id"),
            ("environment", "environments", "id"),
            ("fail_to_pass", "test_sets", "name"),
            ("spilled", "test_sets", "name"),
            ("green", "test_sets", "name"),
            ("excluded", "test_sets", "name"),
            ("pass_to_pass", "test_sets", "name"),
        ],
    )
    db.table("tasks").create(
        {"id": str, "bug": str, "environment": str, "statement": str, "created": str},
        pk="id",
        foreign_keys=[("bug", "bugs", "id"), ("environment", "environments", "id")],
    )


@MIGRATIONS()
def m004_size_of_environments(db: Database) -> None:
    """How much room an environment takes."""
    db.table("environments").add_column("size", int, not_null_default=0)


@MIGRATIONS()
def m005_model_calls(db: Database) -> None:
    """Calls to a language model and what they cost."""
    db.table("model_calls").create(
        {
            "key": str,
            "model": str,
            "purpose": str,
            "answer": str,
            "input_tokens": int,
            "output_tokens": int,
            "cache_write_tokens": int,
            "cache_read_tokens": int,
            "dollars": float,
            "seconds": float,
        },
        pk="key",
    )


@MIGRATIONS()
def m006_coverage(db: Database) -> None:
    """What each test of a baseline was seen to run, as ``harness/runs/coverage.py`` encodes it."""
    db.table("coverage").create(
        {"environment": str, "data": bytes},
        pk="environment",
        foreign_keys=[("environment", "environments", "id")],
    )


@MIGRATIONS()
def m007_mirror(db: Database) -> None:
    """Pull requests with the issues they close, and what became of each on a tree."""
    for column, kind, default in (("commit", str, ""), ("pull", int, 0), ("undone", float, 0.0)):
        db.table("origins").add_column(column, kind, not_null_default=default)
    db.table("pull_requests").create(
        {
            "repository": str,
            "commit": str,
            "base": str,
            "number": int,
            "title": str,
            "body": str,
            "author": str,
            "association": str,
            "bot": int,
            "branch": str,
            "labels": str,
            "created": str,
            "merged": str,
            "updated": str,
            "files": str,
            "commits": str,
            "links": str,
            "origin": str,
        },
        pk=("repository", "commit"),
    ).create_index(["repository", "number"])
    db.table("issues").create(
        {
            "repository": str,
            "number": int,
            "title": str,
            "body": str,
            "author": str,
            "bot": int,
            "created": str,
            "labels": str,
            "comments": str,
        },
        pk=("repository", "number"),
    )
    db.table("mirrorings").create(
        {
            "tree": str,
            "repository": str,
            "commit": str,
            "outcome": str,
            "detail": str,
            "tier": str,
            "undone": float,
            "bug": str,
        },
        pk=("tree", "repository", "commit"),
        foreign_keys=[
            ("tree", "trees", "tree"),
        ],
    )
    db.table("crawls").create(
        {"repository": str, "origin": str, "newest": str, "cursor": str, "state": str},
        pk=("repository", "origin"),
    )


@MIGRATIONS()
def m008_mirrored_tasks(db: Database) -> None:
    """What a task's issue brings along, its hidden tests, and the fix that was undone."""
    for column, default in (("hints", "[]"), ("removed", "[]"), ("test_patch", "")):
        db.table("tasks").add_column(column, str, not_null_default=default)
    db.table("mirrorings").add_column("fix", str, not_null_default="")


@MIGRATIONS()
def m010_parents(db: Database) -> None:
    """The bugs that a combined bug joins."""
    db.table("origins").add_column("parents", str, not_null_default="[]")


@MIGRATIONS()
def m009_model_costs(db: Database) -> None:
    """When, for what and in which run a model was called; dollars set aside; batches."""
    for column in ("created", "repository", "strategy", "run", "batch"):
        db.table("model_calls").add_column(column, str, not_null_default="")
    db.table("model_holds").create(
        {"id": str, "key": str, "dollars": float, "created": str, "repository": str, "run": str},
        pk="id",
    )
    for table in ("model_calls", "model_holds"):
        for column in ("created", "repository", "run"):
            db.table(table).create_index([column])
    db.table("model_batches").create(
        {"id": str, "model": str, "created": str, "name": str, "rejected": str}, pk="id"
    )
    db.table("batched_requests").create(
        {
            "batch": str,
            "key": str,
            "hold": str,
            "tool": str,
            "purpose": str,
            "repository": str,
            "strategy": str,
            "run": str,
            "created": str,
            "outcome": str,
            "detail": str,
        },
        pk=("batch", "key"),
        foreign_keys=[("batch", "model_batches", "id")],
    ).create_index(["key"])


@MIGRATIONS()
def m011_models(db: Database) -> None:
    """The model that made a bug; what a pull request was tried to be undone by, without success."""
    db.table("origins").add_column("model", str, not_null_default="")
    db.table("mirrorings").add_column("tried", str, not_null_default="")


@MIGRATIONS()
def m011_queue(db: Database) -> None:
    """What GitHub told the service, and the jobs that come of it."""
    db.table("deliveries").create(
        {
            "guid": str,
            "event": str,
            "action": str,
            "repository": int,
            "installation": int,
            "received": float,
            "body": bytes,
        },
        pk="guid",
    ).create_index(["received"])
    db.table("jobs").create(
        {
            "id": int,
            "kind": str,
            "subject": str,
            "queue": str,
            "repository": int,
            "installation": int,
            "lane": str,
            "priority": int,
            "payload": str,
            "state": str,
            "again": int,
            "attempts": int,
            "due": float,
            "worker": str,
            "lease": float,
            "created": float,
            "started": float,
            "ended": float,
            "note": str,
            "error": str,
        },
        pk="id",
    )
    jobs = db.table("jobs")
    jobs.create_index(["kind", "subject"], unique=True)
    jobs.create_index(["queue", "state", "due"])
    jobs.create_index(["lane", "state"])
    jobs.create_index(["repository", "state"])
    db.table("turns").create({"queue": str, "installation": int, "turn": int},
                             pk=("queue", "installation"))  # fmt: skip


@MIGRATIONS()
def m012_hosted(db: Database) -> None:
    """Where the App is installed, what is opted in, and what was written to GitHub."""
    db.table("installations").create(
        {
            "id": int,
            "account": str,
            "kind": str,
            "state": str,
            "selection": str,
            "permissions": str,
            "looked": float,
        },
        pk="id",
    )
    db.table("hosted").create(
        {
            "id": int,
            "installation": int,
            "name": str,
            "private": int,
            "state": str,
            "default_branch": str,
            "head": str,
            "opted_in": int,
            "since": float,
            "because": str,
            "settings": str,
            "commit": str,
            "tree": str,
            "built": float,
            "looked": float,
        },
        pk="id",
    ).create_index(["name"])
    db.table("hosted_trees").create(
        {"repository": int, "tree": str, "commit": str, "since": float},
        pk=("repository", "tree"),
        foreign_keys=[("repository", "hosted", "id"), ("tree", "trees", "tree")],
    ).create_index(["tree"])
    db.table("marks").create(
        {"repository": int, "number": int, "mark": str, "by": str, "since": float},
        pk=("repository", "number"),
        foreign_keys=[("repository", "hosted", "id")],
    )
    db.table("written").create(
        {"key": str, "repository": int, "number": int, "digest": str, "since": float}, pk="key"
    )


@MIGRATIONS()
def m013_standings(db: Database) -> None:
    """How each bug stands, in one row that pages can filter and count by."""
    db.table("standings").create(
        {
            "id": int,
            "bug": str,
            "tree": str,
            "strategy": str,
            "operator": str,
            "path": str,
            "entity": str,
            "line": int,
            "reason": str,
            "mode": str,
            "environment": str,
            "harness": str,
            "seconds": float,
            "tasks": int,
        },
        pk="id",
    )
    for statement in (*standings.BACKFILL, *standings.TRIGGERS):
        db.execute(statement)
    db.table("standings").create_index(["bug"], unique=True)
    db.table("standings").create_index(
        ["tree", "strategy", "operator", "reason", "mode", "tasks", "seconds"]
    )
    db.execute(
        "create index idx_standings_with_tasks on standings (strategy, operator, tree, tasks, bug) "
        "where tasks > 0"
    )
    db.table("tasks").create_index(["bug"])
    db.table("tasks").create_index(["created", "id", "bug"])
    db.table("jobs").create_index(["state", "queue", "kind", "repository"])
    db.table("model_calls").create_index(
        ["repository", "strategy", "purpose", "model", "created", "dollars"]
    )


@MIGRATIONS()
def m014_dispatches(db: Database) -> None:
    """Batches of bugs that are judged elsewhere, and the runner minutes they take."""
    db.table("dispatches").create(
        {
            "plan": str,
            "repository": str,
            "environment": str,
            "place": str,
            "created": str,
            "address": str,
            "run": str,
            "state": str,
            "attempt": int,
            "bugs": int,
            "expected": float,
            "used": float,
            "verdicts": int,
            "valid": int,
            "ended": str,
            "detail": str,
        },
        pk="plan",
    )
    for columns in (["place", "run"], ["repository"], ["created"]):
        db.table("dispatches").create_index(columns)
    db.table("minute_limits").create(
        {"scope": str, "of": str, "minutes": float}, pk=("scope", "of")
    )


@MIGRATIONS()
def m015_images_and_campaigns(db: Database) -> None:
    """Where the images of environments can be pulled; how far campaigns are."""
    db.table("images").create(
        {"environment": str, "image": str},
        pk="environment",
        foreign_keys=[("environment", "environments", "id")],
    )
    db.table("campaign_steps").create(
        {
            "campaign": str,
            "source": str,
            "state": str,
            "attempts": int,
            "started": str,
            "seconds": float,
            "tasks": int,
            "verdicts": int,
            "failure": str,
        },
        pk=("campaign", "source"),
    )


@MIGRATIONS()
def m016_gates(db: Database) -> None:
    """In which ways tests failed, and the first commit of a repository."""
    db.table("verdicts").add_column("kinds", str, not_null_default="[]")
    db.table("repositories").add_column("root", str, not_null_default="")
