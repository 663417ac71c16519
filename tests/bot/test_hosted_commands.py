"""What an operator sees and does: repositories, jobs, and what is exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.service.repositories.optin import BY_OPERATOR, LABELLED
from harness.judge.judge import HARNESS_VERSION
from storage.errors import BugfoundryError
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob
from tests.tasks.made import Made, make

HOSTED = Hosted(
    id=1, installation=9, name="Someone/shop", opted_in=True, because=LABELLED, since=1,
    commit="c" * 40, head="d" * 40,
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUGFOUNDRY_STORE", str(tmp_path / "store.db"))
    monkeypatch.setenv("BUGFOUNDRY_CACHE", str(tmp_path / "cache"))
    whole = make(tmp_path)
    whole.store.hosted.put_repository(HOSTED)
    tree, commit = whole.repository.tree, whole.repository.commit
    whole.store.hosted.add_tree(1, tree, commit, 1)
    whole.store.add_verdict(replace(whole.verdict, harness=HARNESS_VERSION))
    work = NewJob(queue="work", kind="environment", subject="1", repository=1, installation=9)
    whole.store.jobs.put_jobs([work], 1)
    return whole


def run(*words: str) -> tuple[str, str]:
    """Run a command that succeeds, and return what it printed and what it said."""
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    if isinstance(result.exception, BugfoundryError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_repositories_are_listed_with_whether_they_are_opted_in(made: Made) -> None:
    out, _ = run("hosted")
    assert "Someone/shop" in out
    assert "1 repository" in out

    out, _ = run("hosted", "--json")
    [one] = json.loads(out)
    assert (one["name"], one["opted_in"], one["tasks"]) == ("Someone/shop", True, 1)


def test_opting_out_ends_work_and_withholds_until_the_operator_lets_it_in(
    made: Made, tmp_path: Path
) -> None:
    _, said = run("optout", "someone/shop")
    assert BY_OPERATOR in said
    assert [job.state for job in made.store.jobs.all()] == ["cancelled"]
    with pytest.raises(BugfoundryError, match="no task is left to export"):
        run("export", "-o", str(tmp_path / "x.jsonl"))
    assert not (tmp_path / "x.jsonl").exists()
    assert "withheld: opted out" in run("tasks")[0]

    _, said = run("optin", "someone/shop")
    assert "is looked at as soon as the service runs" in said
    found = made.store.hosted.get(1)
    assert found is not None
    assert found.because == ""
    assert made.store.jobs.get("reconcile", "9") is not None
    assert "was not opted out by you" in run("optin", "someone/shop")[1]


def test_purge_erases_all_of_it_and_says_what(made: Made, tmp_path: Path) -> None:
    from storage.records import digest

    clone = tmp_path / "cache/clones" / f"{digest('https://github.com/Someone/shop.git')[:24]}.git"
    clone.mkdir(parents=True)
    _, said = run("optout", "someone/shop", "--purge")

    assert "1 task" in said
    assert "1 clones" in said
    assert not clone.exists()
    assert made.store.tasks() == []
    assert [(one.name, one.because) for one in made.store.hosted.all()] == [
        ("Someone/shop", BY_OPERATOR)
    ]


def test_purge_waits_for_what_runs_to_end(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("bot.commands.hosted.time.sleep", waited.append)
    made.store.jobs.claim("work", "w", now=2, lease=60)
    run("optout", "someone/shop", "--purge")

    assert waited == [35.0]


def test_who_opted_out_by_the_label_is_not_banned_by_being_purged(made: Made) -> None:
    made.store.hosted.put_repository(
        replace(HOSTED, opted_in=False, because="it has no label bugfoundry")
    )
    run("optout", "someone/shop", "--purge")

    [found] = made.store.hosted.all()
    assert found.because == "it has no label bugfoundry"


def test_an_export_says_how_many_tasks_were_left_out_and_why(made: Made, tmp_path: Path) -> None:
    private = replace(HOSTED, private=True)
    made.store.hosted.put_repository(private)
    out = tmp_path / "x.jsonl"
    words = ("export", "-o", str(out), "--format", "jsonl", "--without-gate", "licence")
    with pytest.raises(BugfoundryError, match="no task is left"):
        run(*words)

    _, said = run(*words, "--private", "someone/shop")
    assert said.startswith("1 task written")
    assert made.task.id in out.read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("optout", "no/such"), "bugfoundry hosted"),
        (("optin", "no/such"), "bugfoundry hosted"),
        (("export", "-o", "x", "--private", "no/such"), "bugfoundry hosted"),
        (("jobs", "retry", "77"), "--state failed"),
        (("jobs", "retry", "some"), "nor `all`"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(made: Made, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(BugfoundryError) as caught:
        run(*words)
    assert told in str(caught.value)


def test_dead_letters_are_looked_at_and_tried_again(made: Made) -> None:
    [job] = made.store.jobs.claim("work", "w", now=2, lease=60)
    made.store.jobs.fail(job, "no space [left]", now=3, retry_in=None)

    out, _ = run("jobs", "--state", "failed")
    assert "no space [left]" in out
    assert "1 jobs" in out
    assert json.loads(run("jobs", "--json")[0])[0]["error"] == "no space [left]"

    assert run("jobs", "retry", str(job.id))[1].startswith("1 job is tried again")
    assert run("jobs", "--state", "failed")[0].strip().endswith("0 jobs")

    [job] = made.store.jobs.claim("work", "w", now=9e9, lease=60)
    made.store.jobs.fail(job, "again", now=3, retry_in=None)
    assert run("jobs", "retry", "all")[1].startswith("1 job is tried again")
    with Store(made.store.path) as store:
        assert [one.state for one in store.jobs.all()] == ["waiting"]
