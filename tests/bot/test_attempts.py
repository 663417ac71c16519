"""By what a pull request was tried, and whether another attempt can do more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forge.pulls.attempts import Attempted, parse_attempted, plan_merge, plan_model
from mirror.undo.undo import RULES
from storage.records import Issue, digest

BASE = "b" * 40
ISSUE = Issue(repository="acme/shop", number=7, title="Wrong total", body="It is too low.")
MERGE = plan_merge(BASE)
ASKED = plan_model(BASE, "opus", [ISSUE])


def test_attempted_is_stored_as_old_stores_hold_it() -> None:
    assert MERGE.format() == f"{RULES} {BASE} "
    assert ASKED.format() == f"{RULES} {BASE} opus {digest('Wrong total', 'It is too low.')}"


@pytest.mark.parametrize("model", ["opus", "", "a model of ours", " spaced "])
def test_attempted_is_read_back_as_it_was(model: str) -> None:
    attempted = plan_model(BASE, model, [])

    assert parse_attempted(attempted.format()) == attempted
    assert parse_attempted(MERGE.format()) == MERGE


@pytest.mark.parametrize("text", ["", "1", f"1 {BASE}", f"1 {BASE} opus", "1  two "])
def test_attempted_in_a_foreign_form_is_none(text: str) -> None:
    assert parse_attempted(text) is None


def test_attempt_covers_a_merge_by_the_same_rules_from_the_same_base() -> None:
    assert MERGE.covers(MERGE)
    assert ASKED.covers(MERGE)
    assert not replace(MERGE, rules="0").covers(MERGE)
    assert not plan_merge("c" * 40).covers(MERGE)
    assert not plan_merge(f"{BASE}b").covers(MERGE)


def test_attempt_covers_a_model_only_by_that_model_on_the_same_texts() -> None:
    assert ASKED.covers(ASKED)
    assert not MERGE.covers(ASKED)
    assert not ASKED.covers(plan_model(BASE, "haiku", [ISSUE]))
    assert not ASKED.covers(plan_model(BASE, "opus", [replace(ISSUE, body="It is too high.")]))
    assert not Attempted(rules="0", base=BASE, model="opus", texts_digest="d").covers(ASKED)
