"""Many repositories under one budget: one failure stops no other, and what is done stays done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bot.commands.campaign_process import command, read_result
from forge.remote.campaign.config import Campaign, CampaignEntry, read_campaign
from forge.remote.campaign.execution import ForgedOne
from forge.remote.campaign.projection import Measured, project
from forge.remote.campaign.schedule import explain_halt, seconds_to_wait, select_remaining
from forge.run.settings import ModelSettings
from storage.errors import ConfigError
from storage.records import CampaignStep
from storage.store import Store
from tests.furniture.workplace import Workplace, run_command

TOML = """
name = "first"
max_bugs = 50
dollars = 20
between = ["22:00", "06:00"]
repositories = [
    "pallets/click",
    {source = "pypi:toolz", max_bugs = 500, strategies = ["procedural"]},
]
"""
YAML = """
name: first
max_bugs: 50
dollars: 20
between: ["22:00", "06:00"]
repositories:
  - pallets/click
  - {source: "pypi:toolz", max_bugs: 500, strategies: [procedural]}
"""


def campaign(**changed: object) -> Campaign:
    entries = (
        CampaignEntry(source="one"),
        CampaignEntry(source="two"),
        CampaignEntry(source="three"),
    )
    return Campaign(**{"name": "c", "repositories": entries, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "text"), [("c.toml", TOML), ("c.yaml", YAML)])
def test_a_file_of_either_kind_says_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read_campaign(tmp_path / name)

    assert [entry.source for entry in found.repositories] == ["pallets/click", "pypi:toolz"]
    assert found.repositories[1].max_bugs == 500
    assert found.window is not None
    assert (found.dollars, found.window[0].hour) == (20, 22)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 'a'\n", "missing required field `repositories`"),
        ("name = 'a'\nrepositories = []\n", "length >= 1"),
        ("name = 'a'\nrepositories = ['x', 'x']\n", "names x twice"),
        ("name = 'a b'\nrepositories = ['x']\n", "matching regex"),
        ("name = 'a'\nbugs = 3\nrepositories = ['x']\n", "unknown field `bugs`"),
        ("name = 'a'\njobs = 0\nrepositories = ['x']\n", ">= 1"),
        ("name = 'a'\nbetween = ['late', '06:00']\nrepositories = ['x']\n", "Invalid isoformat"),
        ("name = 'a'\nbetween = ['06:00', '06:00']\nrepositories = ['x']\n", "two different"),
        ("name = 'a'\nstrategies = ['magic']\nrepositories = ['x']\n", "matching regex"),
        ("name = \n", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"c\.toml") as caught:
        read_campaign(tmp_path / "c.toml")
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_campaign(tmp_path / "c.toml")


def test_what_is_done_is_not_begun_again_and_what_failed_comes_last() -> None:
    steps = [
        CampaignStep(campaign="c", source="one", state="failed", attempts=2),
        CampaignStep(campaign="c", source="two", state="done"),
        CampaignStep(campaign="c", source="three", state="stopped"),
    ]

    assert [entry.source for entry in select_remaining(campaign(), steps)] == ["three", "one"]


def test_each_repository_is_forged_as_a_person_would() -> None:
    entry = CampaignEntry(source="-odd", max_bugs=7, strategies=("procedural",), install=("-e .",))
    words = command(campaign(dollars=5, model=ModelSettings(budget=2)), entry, Path("s.db"))

    assert words[1:4] == ["-m", "bot", "forge"]
    assert words[-2:] == ["--", "-odd"]
    assert words[words.index("--max-bugs") + 1] == "7"
    assert words[words.index("--install") + 1] == "-e ."
    assert words[words.index("--model-budget") + 1] == "2"


@pytest.mark.parametrize(
    ("clock", "between", "hours"),
    [
        ("23:30", ("22:00", "06:00"), 0),
        ("05:59", ("22:00", "06:00"), 0),
        ("06:00", ("22:00", "06:00"), 16),
        ("12:00", ("22:00", "06:00"), 10),
        ("12:00", ("09:00", "17:00"), 0),
        ("17:00", ("09:00", "17:00"), 16),
        ("08:00", ("09:00", "17:00"), 1),
        ("08:00", None, 0),
    ],
)
def test_repositories_are_begun_within_the_times_of_day(
    clock: str, between: tuple[str, str] | None, hours: float
) -> None:
    now = datetime.fromisoformat(f"2026-11-25T{clock}:00")

    assert seconds_to_wait(campaign(between=between), now) == hours * 3600


def test_a_limit_that_is_reached_is_named() -> None:
    limited = campaign(hours=8, disk_gb=40, runner_minutes=500)

    assert explain_halt(limited, hours=7.9, gigabytes=39, runner_minutes=499) == ""
    assert explain_halt(limited, hours=8, gigabytes=0, runner_minutes=0) == "the 8 hours are over"
    assert "41.0 GB of 40" in explain_halt(limited, hours=0, gigabytes=41, runner_minutes=0)
    assert "500 of 500" in explain_halt(limited, hours=0, gigabytes=0, runner_minutes=500)


def test_how_a_repository_ended_is_told_in_a_line() -> None:
    out = json.dumps({"reasons": [["valid", 3], ["timeout", 1]], "tasks": ["a", "b", "c"]})

    assert read_result(0, out.encode(), b"") == ForgedOne(state="done", tasks=3, verdicts=4)
    missing = read_result(1, b"", b"note\nbugfoundry: no such thing\n")
    assert missing == ForgedOne(state="failed", failure="no such thing")
    killed = read_result(-9, b"", b"")
    assert killed == ForgedOne(state="failed", failure="killed by signal 9")
    assert read_result(143, b"", b"bugfoundry: stopped; go on\n").state == "stopped"


def test_a_projection_goes_by_what_was_measured() -> None:
    measured = Measured(
        repositories=10,
        tasks=100,
        verdicts=400,
        hours=3.0,
        judging_seconds=3600.0 * 2,
        workers=2,
        dollars=5.0,
        cache_bytes=10**9,
        store_bytes=4 * 10**6,
    )
    found = project(measured, tasks=1000, repositories=20)

    assert found.verdicts == 4000
    # A fifth of an hour for each repository, and ten hours of two workers.
    assert found.machine_hours == 20 * 0.2 + 10
    assert found.dollars == 50
    assert found.gigabytes == 2.0
    # 240 minutes around, 300 of judging by four workers, 30 shards to set up, 40 jobs around.
    assert found.runner_minutes == 240 + 300 + 30 * 1.5 + 40
    with pytest.raises(ConfigError, match="no rates"):
        project(replace(measured, tasks=0), tasks=1, repositories=1)


@pytest.mark.slow
@pytest.mark.network
def test_one_failure_stops_no_other_and_a_second_run_goes_on(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing here")
    (tmp_path / "c.toml").write_text(
        f'name = "small"\nsandbox = "local"\nmax_bugs = 6\nstrategies = ["procedural"]\n'
        f'repositories = ["{tmp_path}/empty", "{tmp_path}/shop", "{tmp_path}/missing"]\n'
    )

    def run(*words: str) -> tuple[int, dict[str, object], str]:
        command = ("campaign", "c.toml", "--store", "s.db", "--json", *words)
        done = run_command(*command, cwd=place.folder)
        return done.returncode, json.loads(done.stdout), done.stderr

    code, found, told = run()

    assert code == 1
    states = {Path(str(line["source"])).name: line for line in found["lines"]}  # type: ignore[attr-defined,index]
    assert {name: line["state"] for name, line in states.items()} == {
        "empty": "failed",
        "shop": "done",
        "missing": "failed",
    }
    assert states["shop"]["verdicts"] == 6
    assert states["shop"]["tasks"] >= 2
    assert "no plan could be made" in states["empty"]["failure"]
    assert told.count(": begun") == 3

    _, again, told = run()

    assert told.splitlines()[0] == "1 of 3 repositories are done already"
    assert told.count(": begun") == 2
    with Store(tmp_path / "s.db") as store:
        attempts = {Path(s.source).name: s.attempts for s in store.campaigns.steps("small")}
    assert attempts == {"empty": 2, "shop": 1, "missing": 2}
    assert run("--report")[1]["total"] == again["total"]
