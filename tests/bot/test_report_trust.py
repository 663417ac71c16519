"""What the report says of gates and of what was verified."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from forge.grade.probes import Probe, key_of
from forge.grade.rounds import Round
from forge.run.ledger import Ledger, results_path
from forge.study.report.reliability import by_conditions, lines, read_reliability
from harness.judge.judge import HARNESS_VERSION
from harness.runs.conditions import of_round
from storage.errors import SourceError
from tests.bot.conftest import Run
from tests.tasks.made import TESTS, make

WITHOUT_LICENCE = ("--without-gate", "licence")


@pytest.fixture
def export(run: Run, tmp_path: Path) -> Path:
    """One task in a store whose licence gate stops it, and an export without that gate."""
    made = make(tmp_path)
    made.store.add_verdict(replace(made.verdict, harness=HARNESS_VERSION))
    made.store.close()
    words = ("--format", "jsonl", "-o", "tasks.jsonl", "--store", "store.db")
    code, _, err = run("export", *words, *WITHOUT_LICENCE)
    assert code == 0, err
    return tmp_path / "tasks.jsonl"


def row_of(export: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(export.read_text())
    return found


def keep_rounds(export: Path, *reasons: str) -> None:
    """Write the rounds of the one task as ``bugfoundry verify`` does; no reason is a round held."""
    row, ledger = row_of(export), Ledger(results_path(export, "verified"))
    for number, reason in enumerate(reasons, start=1):
        found = Round(
            task=row["instance_id"],
            content=row["content_sha256"],
            number=number,
            conditions=str(of_round(number)),
            reason=reason,
            tests=TESTS[:1] if reason else (),
        )
        ledger.add(found.key, asdict(found))


def keep_probe(export: Path, kind: str, *, accepted: bool) -> None:
    row = row_of(export)
    key = key_of(row["content_sha256"], kind, "")
    probe = Probe(
        task=row["instance_id"],
        repository=row["repo"],
        kind=kind,
        key=key,
        patch="",
        accepted=accepted,
    )
    Ledger(results_path(export, "probed")).add(key, asdict(probe))


def test_the_page_counts_what_each_gate_stops(run: Run, export: Path, tmp_path: Path) -> None:
    code, _, err = run("report", "--store", "store.db", "-o", "report.html")
    text = (tmp_path / "report.html").read_text()

    assert code == 0, err
    assert "0 of 1 tasks pass every gate" in text
    licence = text.partition('<td class="name">licence</td>')[2].partition("</tr>")[0]
    assert licence.count('<td class="num">1</td>') == 2
    assert "after near-duplicates" in text
    assert "No export was named" in text


def test_tasks_whose_files_are_gone_are_not_counted_at_the_gates(
    run: Run, export: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    code, _, err = run("report", "--store", "store.db", "-o", "report.html")

    assert code == 0, err
    assert "1 task not counted at the gates" in err
    assert "There is no task yet" in (tmp_path / "report.html").read_text()


def test_the_page_says_what_held_and_what_did_not(run: Run, export: Path, tmp_path: Path) -> None:
    keep_rounds(export, "", "gold-breaks", "")
    keep_probe(export, "empty", accepted=False)
    keep_probe(export, "deleted", accepted=True)
    words = ("--store", "store.db", "-o", "report.html", "--verified", "tasks.jsonl")
    code, _, err = run("report", *words)
    text = (tmp_path / "report.html").read_text()

    assert code == 0, err
    assert "<dd>0 of 1</dd>" in text
    shop = text.partition("<tr><td>Someone/shop</td>")[2].partition("</tr>")[0]
    assert [each.partition("<")[0] for each in shop.split('<td class="num">')[1:]] == [
        *("1", "0", "0.0 %", "3", "2"),
        *("2", "1"),
    ]
    assert "round 2 (random order, another hash seed): gold-breaks: tests/test_clamp" in text


def test_rounds_are_summed_by_strategy_and_conditions(export: Path) -> None:
    keep_rounds(export, "", "", "solved-at-start", "", "")
    found = read_reliability([export, export])

    (line,) = lines(found, lambda each: each.strategy)
    assert (line.name, line.tasks, line.holding) == ("procedural", 1, 0)
    assert (line.rounds, line.held, line.share) == (5, 4, 0.0)
    assert [(each.name, each.held) for each in by_conditions(found)] == [
        ("as judged", 1),
        ("random order, another hash seed", 1),
        ("load", 0),
        ("clock +400 days", 1),
        ("random order, another hash seed, clock +400 days, load", 1),
    ]


def test_what_was_seen_of_a_task_that_has_changed_since_does_not_count(export: Path) -> None:
    keep_rounds(export, "")
    row = row_of(export)
    export.write_text(json.dumps({**row, "content_sha256": "0" * 64}) + "\n")

    with pytest.raises(SourceError, match=r"was not verified yet; run `bugfoundry verify .*`"):
        read_reliability([export])


def test_an_export_that_was_not_verified_gets_one_line(run: Run, export: Path) -> None:
    words = ("--store", "store.db", "-o", "report.html", "--verified", "tasks.jsonl")
    code, _, err = run("report", *words)

    assert code == 1
    assert err.strip().endswith(
        "tasks.jsonl was not verified yet; run `bugfoundry verify tasks.jsonl` first"
    )
    assert not results_path(export, "verified").exists()
