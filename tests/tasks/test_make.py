import re
from dataclasses import replace

import pytest

from storage.records import FileChange
from tasks.ids import bug_type, instance_id, short_hash
from tasks.make import make_task
from tests.tasks.made import TESTS, Made


def test_an_id_has_the_form_of_the_field(made: Made) -> None:
    key = f"Someone__shop.{made.repository.commit[:8]}"

    assert re.fullmatch(rf"{re.escape(key)}\.func_pm_swap_call__[0-9a-z]{{8}}", made.task.id)


def test_the_operators_name_is_part_of_the_id(made: Made) -> None:
    origin = replace(made.bug.origin, operator="Remove-Loop")

    assert bug_type(origin) == "func_pm_remove_loop"
    assert bug_type(replace(origin, strategy="rewrite")) == "lm_rewrite"


def test_the_same_text_in_another_place_is_another_id(made: Made) -> None:
    moved = tuple(
        FileChange(path="pkg/other.py", mode=c.mode, sha256=c.sha256) for c in made.bug.changes
    )
    other = replace(made.bug, changes=moved)

    assert instance_id(made.repository, other) != made.task.id
    assert len({short_hash(f"{n:032x}") for n in range(2000)}) == 2000


def test_a_task_is_made_of_a_valid_verdict_only(made: Made) -> None:
    with pytest.raises(ValueError, match="no-test-failed"):
        make_task(made.repository, made.bug, replace(made.verdict, reason="no-test-failed"))
    with pytest.raises(ValueError, match="other"):
        make_task(made.repository, made.bug, replace(made.verdict, bug="other"))


def test_the_time_of_making_is_in_utc(made: Made) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", made.task.created)


def test_the_statement_names_what_fails(made: Made) -> None:
    assert all(test in made.task.statement for test in TESTS[:2])
    assert TESTS[2] not in made.task.statement


def test_the_statement_shows_nothing_of_the_bug(made: Made) -> None:
    messages = {TESTS[0]: "assert 1 == 2\n\npkg/clamp.py:2: in clamp\n    return min(low)"}
    told = make_task(made.repository, made.bug, made.verdict, messages=messages).statement

    assert "assert 1 == 2" in told
    for shown in ("pkg/clamp.py", "swap_call", "min(low", "max(low", "@@", "+++"):
        assert shown not in told
