"""An audit: which differences count, and that it finds what was falsified in a real store."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.commands.audit import few, line
from forge.compose import PARTS
from forge.grade.audit import (
    VerdictComparison,
    compare,
    draw_sample,
    find_subject,
    is_worth_keeping,
    make_engine,
    reason_rows,
)
from forge.run.settings import EnvironmentSettings, Settings
from harness.judge.judge import HARNESS_VERSION
from storage.errors import StoreError
from storage.records import Bug, FileChange, Origin, Verdict
from storage.store import Store
from storage.trees import Trees
from syntax.patches import unified_diff
from tests.furniture.workplace import PATIENCE, Workplace, command_variables, without_progress
from tests.storage.samples import (
    ENVIRONMENT,
    REPOSITORY,
    make_baseline,
    make_bug,
    make_verdict,
)

A, B, C = "t.py::a", "t.py::b", "t.py::c"


def verdict(reason: str = "valid", *failing: str, spilled: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        bug="b" * 32,
        environment="e",
        harness="1",
        mode="selected",
        reason=reason,
        fail_to_pass=failing,
        spilled=spilled,
    )


VALID, MISSED, TIME_OUT = verdict("valid", A), verdict("no-test-failed"), verdict("timeout")


@pytest.mark.parametrize(
    ("stored", "whole", "kind"),
    [
        (VALID, VALID, "agree"),
        (MISSED, MISSED, "agree"),
        (TIME_OUT, TIME_OUT, "agree"),
        (VALID, verdict("valid", A, spilled=(B,)), "agree"),
        (verdict("valid", A, B), verdict("valid", B, A), "agree"),
        (MISSED, VALID, "disagree"),
        (VALID, MISSED, "disagree"),
        (VALID, verdict("valid", A, B), "disagree"),
        (VALID, verdict("valid", B), "disagree"),
        (VALID, verdict("breaks-everything"), "disagree"),
        (MISSED, verdict("spilled", spilled=(A,)), "spilled"),
        (verdict("spilled", spilled=(A,)), MISSED, "spilled"),
        (VALID, verdict("spilled", spilled=(A,)), "spilled"),
        (verdict("valid", A, B), verdict("valid", A, spilled=(B,)), "spilled"),
        (verdict("valid", A, spilled=(B,)), verdict("valid", A, B), "spilled"),
        (verdict("valid", A, B), verdict("valid", B, spilled=(C,)), "disagree"),
        (verdict("valid", A, B), verdict("valid", C, spilled=(A, B)), "disagree"),
        (verdict("valid", A, B), verdict("spilled", spilled=(A,)), "disagree"),
        (verdict("breaks-everything"), verdict("spilled", spilled=(A,)), "disagree"),
        (TIME_OUT, VALID, "time-limit"),
        (MISSED, TIME_OUT, "time-limit"),
        (verdict("spilled", spilled=(A,)), TIME_OUT, "time-limit"),
        (VALID, verdict("sandbox-broken"), "sandbox-broken"),
        (verdict("sandbox-broken"), TIME_OUT, "sandbox-broken"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else " ".join([value.reason, *value.fail_to_pass])
    ),
)
def test_a_difference_is_classed(stored: Verdict, whole: Verdict, kind: str) -> None:
    assert compare(stored, whole, set_aside=()).kind == kind


def test_a_test_that_the_baseline_set_aside_makes_no_disagreement() -> None:
    whole = verdict("valid", A, B)
    assert compare(VALID, whole, set_aside=()).kind == "disagree"
    assert compare(VALID, whole, set_aside=(B,)).kind == "spilled"
    assert compare(VALID, MISSED, set_aside=(A,)).kind == "spilled"


def test_the_tests_that_differ_are_told_by_side() -> None:
    found = compare(verdict("valid", A, B), verdict("valid", B, C), set_aside=(), tasks=("task-1",))
    assert (found.only_stored, found.only_whole, found.tasks) == ((A,), (C,), ("task-1",))


@pytest.mark.parametrize(
    ("stored", "whole", "kept"),
    [
        (MISSED, VALID, True),
        (TIME_OUT, VALID, True),
        (TIME_OUT, TIME_OUT, True),
        (VALID, TIME_OUT, False),
        (VALID, verdict("sandbox-broken"), False),
    ],
)
def test_what_the_machine_may_be_to_blame_for_is_judged_again_by_the_next_audit(
    stored: Verdict, whole: Verdict, kept: bool
) -> None:
    assert is_worth_keeping(compare(stored, whole, set_aside=())) is kept


def test_a_sample_is_the_same_for_a_seed_and_grows_without_change() -> None:
    bugs = [f"{number:032x}" for number in range(100)]
    small, large = draw_sample(bugs, 10, 1), draw_sample(reversed(bugs), 30, 1)
    assert small == large[:10]
    assert len(set(large)) == 30
    assert draw_sample(bugs, 10, 2) != small
    assert sorted(draw_sample(bugs, 1000, 1)) == bugs


def comparison(stored: Verdict, whole: Verdict, *tasks: str) -> VerdictComparison:
    return compare(stored, whole, set_aside=(), tasks=tasks)


def test_what_was_audited_is_counted_by_stored_reason() -> None:
    found = [comparison(MISSED, VALID), comparison(MISSED, MISSED), comparison(VALID, TIME_OUT)]
    rows = [(r.reason, r.audited, r.agree, r.disagree, r.time_limit) for r in reason_rows(found)]
    assert rows == [("no-test-failed", 2, 1, 1, 0), ("valid", 1, 0, 0, 1)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (comparison(MISSED, VALID), "bugfoundry forge ./shop --full"),
        (comparison(VALID, MISSED, "task-1"), "do not use task task-1"),
        (comparison(VALID, TIME_OUT), "(time limit)"),
        (comparison(VALID, TIME_OUT, "task-1"), "the same audit judges it again"),
    ],
)
def test_a_disagreement_is_told_in_one_line_with_what_to_do(
    found: VerdictComparison, told: str
) -> None:
    text = line(found, "./shop")
    assert "\n" not in text
    assert f"bug {found.bug}: {found.stored} by some tests, {found.whole} by all" in text
    assert A in text
    assert told in text


def test_of_many_tests_a_few_are_named() -> None:
    assert few((A, B, C)) == f"{A}, {B}, {C}"
    assert few((A, B, C, "d", "e")) == f"{A}, {B}, {C} and 2 more"


SETTINGS = Settings(source="./click", cache=Path("no-such-cache"))


def told_of(store: Store, settings: Settings = SETTINGS) -> str:
    with pytest.raises(StoreError) as refused:
        find_subject(settings, REPOSITORY, store)
    return str(refused.value)


async def test_what_cannot_be_audited_is_said_with_what_to_do(tmp_path: Path) -> None:
    bug = make_bug()
    with Store(tmp_path / "a.db") as store:
        assert "`bugfoundry forge ./click` does" in told_of(store)
        store.add_environment(ENVIRONMENT)
        store.add_baseline(make_baseline())
        store.add_bug(bug)
        whole = make_verdict(bug, harness=HARNESS_VERSION)
        store.add_verdict(whole)
        assert "no coverage of it is kept" in told_of(store)
        store.set_coverage(ENVIRONMENT.id, b"seen")
        assert "without --full" in told_of(store)

        store.add_verdict(replace(whole, harness="0", mode="selected"))
        assert f"under the rules of today ({HARNESS_VERSION})" in told_of(store)
        store.add_verdict(replace(whole, mode="selected"))
        docker = replace(SETTINGS, environment=EnvironmentSettings(sandbox="docker"))
        assert "in the docker sandbox" in told_of(store, docker)
        subject = find_subject(SETTINGS, REPOSITORY, store)
        assert subject.bugs == {bug.id}
        with pytest.raises(StoreError, match=r"env build \./click --sandbox local"):
            await make_engine(SETTINGS, subject, Trees(tmp_path / "cache"), PARTS)


BUGS, SEED = 6, "7"
UNTESTED = """

def shout(text, times=2):
    if not text:
        return ""
    return text.upper() + "!" * times
"""


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A store of verdicts by some of the tests, on a project of which a part has none."""
    place = Workplace(tmp_path_factory.mktemp("audit"))
    with (place.project / "src" / "shop" / "__init__.py").open("a") as source:
        source.write(UNTESTED)
    place.forge("local", "--max-bugs", str(BUGS), "--seed", SEED)
    return place


@pytest.fixture
def store(forged: Workplace, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    return Path(shutil.copy(forged.folder / "local.db", tmp_path / "local.db"))


def audited(place: Workplace, store: Path, *words: str, code: int = 0) -> dict[str, Any]:
    command = ("audit", "shop", "--store", str(store), "--workers", "1", "--json", *words)
    return dict(json.loads(place.run(*command, code=code)))


def falsify(path: Path, chosen: Callable[[Verdict], bool], **changed: Any) -> Verdict:
    """Write something else over the first stored verdict of the kind, and return that."""
    with Store(path) as store:
        found = next(each for each in store.verdicts(mode="selected") if chosen(each))
        wrong = replace(found, **changed)
        store.add_verdict(wrong)
    return wrong


@pytest.mark.network
@pytest.mark.slow
class TestOnARealStore:
    def test_verdicts_that_are_right_agree(self, forged: Workplace, store: Path) -> None:
        found = audited(forged, store)

        assert (found["asked"], found["stored"], found["audited"]) == (200, BUGS, BUGS)
        assert sum(row["agree"] for row in found["rows"]) == BUGS
        assert {"valid", "no-test-failed"} <= {row["reason"] for row in found["rows"]}
        assert found["reused"] == 0
        with Store(store) as opened:
            assert len(opened.verdicts(mode="full")) == BUGS
            assert opened.coverage(found["environment"]) is not None
        assert audited(forged, store)["reused"] == BUGS

    def test_a_verdict_that_was_falsified_is_found(self, forged: Workplace, store: Path) -> None:
        changed: dict[str, Any] = {"reason": "no-test-failed", "fail_to_pass": ()}
        wrong = falsify(store, lambda each: each.valid, **changed)

        found = audited(forged, store, code=1)

        (told,) = found["disagreements"]
        assert (told["bug"], told["kind"]) == (wrong.bug, "disagree")
        assert (told["stored"], told["whole"]) == ("no-test-failed", "valid")
        assert told["only_whole"]
        assert found["coverage_forgotten"]
        with Store(store) as opened:
            assert opened.coverage(found["environment"]) is None
            (kept,) = opened.verdicts(mode="selected", bug=wrong.bug)
            assert kept == wrong
        text = forged.run("audit", "shop", "--store", str(store), code=1)
        assert wrong.bug in text
        assert f"1 of {BUGS} verdicts differ; the coverage is forgotten" in text
        forge = ("forge", "shop", "--sandbox", "local", "--seed", SEED, "--json")
        after = json.loads(forged.run(*forge, "--max-bugs", str(BUGS), "--store", str(store)))
        assert after["reused"] == BUGS

    def test_a_rejected_bug_that_is_called_valid_names_its_task(
        self, forged: Workplace, store: Path
    ) -> None:
        with Store(store) as opened:
            task = opened.tasks()[0]
        falsify(
            store, lambda each: each.bug == task.bug, fail_to_pass=("tests/test_shop.py::test_no",)
        )

        (told,) = audited(forged, store, code=1)["disagreements"]

        assert told["tasks"] == [task.id]
        assert told["only_stored"] == ["tests/test_shop.py::test_no"]

    def test_only_as_many_as_asked_for_are_judged(self, forged: Workplace, store: Path) -> None:
        assert audited(forged, store, "--sample", "2")["audited"] == 2
        found = audited(forged, store, "--sample", "3")
        assert (found["audited"], found["reused"]) == (3, 2)
        text = forged.run("audit", "shop", "--store", str(store), "--sample", "9")
        assert f"only {BUGS} verdicts by some of the tests, all of them audited" in text
        assert "no verdict differs" in text

    def test_interrupted_it_goes_on_where_it_was(self, forged: Workplace, store: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "audit", "shop", "--store", store, "--workers", "1"],
            cwd=forged.folder,
            env=command_variables(forged.cache),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        limit = time.monotonic() + PATIENCE
        with Store(store) as opened:
            while not opened.verdicts(mode="full") and time.monotonic() < limit:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=PATIENCE)
            done = len(opened.verdicts(mode="full"))

        assert process.returncode == 130
        assert without_progress(told).splitlines() == [
            "bugfoundry: stopped; the same command goes on where this one was"
        ]
        assert 0 < done < BUGS
        found = audited(forged, store)
        assert (found["audited"], found["reused"]) == (BUGS, done)


CLEARING = """SEEN = []


def note(name):
    SEEN.append(name)


def clear():
    SEEN.clear()
"""
LEAVING = CLEARING.replace("SEEN.clear()", "pass")
COMPANY = """from shop import state


def test_a_note_is_taken():
    state.note("tea")
    assert state.SEEN == ["tea"]
    state.clear()


def test_nothing_is_noted_at_first():
    assert state.SEEN == []
"""


@pytest.mark.network
@pytest.mark.slow
def test_a_test_that_is_red_in_company_only_is_no_disagreement(tmp_path: Path) -> None:
    """The first test leaves something behind; only the second, which none selects, suffers."""
    place, path = Workplace(tmp_path), "src/shop/state.py"
    (place.project / path).write_text(CLEARING)
    (place.project / "tests" / "test_state.py").write_text(COMPANY)
    place.run("env", "build", "shop", "--sandbox", "local", "--store", "local.db")
    after = LEAVING.encode()
    with Store(tmp_path / "local.db") as store:
        (repository,) = store.repositories()
        environment = store.environment_for(repository.tree, "local")
        assert environment is not None
        bug = Bug(
            tree=repository.tree,
            patch=unified_diff(path, CLEARING.encode(), after),
            changes=(FileChange(path=path, mode="100644", sha256=sha256(after).hexdigest()),),
            origin=Origin(strategy="procedural", operator="remove-statement", path=path),
        )
        store.add_bug(bug)
        store.add_verdict(
            Verdict(
                bug=bug.id,
                environment=environment.id,
                harness=HARNESS_VERSION,
                mode="selected",
                reason="no-test-failed",
            )
        )

    found = audited(place, tmp_path / "local.db")

    (only,) = found["spilled"]
    assert (only["bug"], only["stored"], only["whole"]) == (bug.id, "no-test-failed", "spilled")
    assert found["disagreements"] == []
    assert not found["coverage_forgotten"]
    with Store(tmp_path / "local.db") as store:
        (whole,) = store.verdicts(mode="full")
        assert whole.spilled == ("tests/test_state.py::test_nothing_is_noted_at_first",)
        assert store.coverage(environment.id) is not None
