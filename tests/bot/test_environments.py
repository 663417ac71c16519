"""Building environments from the command line, many at once, and explaining what went wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forge.run.environments import read_sources
from forge.run.explanations import explain
from storage.errors import SourceError
from storage.records import Plan, PlanAttempt
from tests.furniture.workplace import Workplace

FIRST = Plan(name="extra 'test'", python="3.11", install=(("-e", ".[test]"),))
SECOND = Plan(
    name="extra 'test', with pyyaml",
    python="3.11",
    install=(("-e", ".[test]"), ("pyyaml",)),
    because="yaml cannot be imported",
)


def failed(plan: Plan, reason: str, detail: str) -> PlanAttempt:
    return PlanAttempt(plan=plan, ok=False, reason=reason, detail=detail, seconds=3)


def test_an_explanation_says_what_was_wrong_and_what_was_done_about_it() -> None:
    attempts = [
        failed(FIRST, "no-tests", "ModuleNotFoundError: No module named 'yaml'"),
        PlanAttempt(plan=SECOND, ok=True, seconds=12),
    ]
    assert list(explain(attempts)) == [
        "1. extra 'test' (Python 3.11)",
        "   no-tests: no test could be collected, after 3 s",
        "   - yaml cannot be imported",
        "2. extra 'test', with pyyaml (Python 3.11)",
        "   because yaml cannot be imported",
        "   served, after 12 s",
        "",
        "It serves: extra 'test', with pyyaml.",
    ]


@pytest.mark.parametrize(
    ("reason", "detail", "advice"),
    [
        ("no-tests", "ModuleNotFoundError: No module named 'acme'", "what provides acme under"),
        ("install-failed", "x.c:1: fatal error: acme.h: No such file", "--sandbox docker"),
        ("install-failed", "your requirements are unsatisfiable", "versions that fit each other"),
        (
            "too-few-pass",
            "9 x error: fixture 'acme' not found",
            "the plugin that gives the fixture",
        ),
        ("python-unavailable", "the project needs Python >=3.99, available: 3.11", "needs Python"),
        ("too-few-pass", "12 x assert 1 == 2", ".github/bugfoundry.yml"),
    ],
)
def test_where_nothing_serves_a_person_is_told_what_would_help(
    reason: str, detail: str, advice: str
) -> None:
    *_, last = explain([failed(FIRST, reason, detail)])
    assert advice in last


def test_a_file_of_sources_lists_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "sources.txt"
    file.write_text("# ours\npallets/click\n\n../shop  # a checkout\npallets/click\n")
    assert read_sources(file) == ["pallets/click", "../shop"]


@pytest.mark.parametrize("text", [None, "", "# nothing\n"])
def test_a_file_without_sources_is_refused_in_one_line(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "sources.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SourceError, match=r"sources\.txt"):
        read_sources(file)


@pytest.mark.network
@pytest.mark.slow
def test_many_environments_are_built_in_one_command(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    broken = tmp_path / "broken"
    (broken / "tests").mkdir(parents=True)
    (broken / "tests" / "test_it.py").write_text("import acme_tools\n\ndef test_it(): pass\n")
    (tmp_path / "all.txt").write_text("shop\nbroken\nnowhere\n")
    words = ("env", "build", "--all", "all.txt", "--sandbox", "local", "--json")
    good, bad, missing = json.loads(place.run(*words, code=1))
    assert (good["source"], good["green"], good["failure"]) == ("shop", 28, "")
    assert good["megabytes"] > 1
    assert "acme_tools cannot be imported" in bad["failure"]
    assert "nowhere" in missing["failure"]
    explained = place.run("env", "explain", "broken")
    assert "name what provides acme_tools" in explained
    assert "28 of 28" in place.run("env", "build", "shop", "--sandbox", "local")


@pytest.mark.network
def test_one_source_or_a_file_of_them(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    place.run("env", "build", code=1)
    place.run("env", "build", "shop", "--all", "all.txt", code=1)
