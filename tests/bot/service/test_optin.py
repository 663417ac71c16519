"""What is decided from what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, builds, frozensets, none, one_of, sampled_from

from bot.service.base.allowance import may_write
from bot.service.repositories.optin import (
    BY_OPERATOR,
    GONE,
    LABEL,
    LABELLED,
    SHOWN_AFTER,
    SKIP,
    UNHEARD,
    UNLABELLED,
    UNTRUSTED,
    Sight,
    Word,
    decide,
    decide_mark,
    tells_nothing_new,
)
from mirror.github.present_state import GitHubRepository
from storage.tables.hosted import Hosted, Marked

SEEN = GitHubRepository(
    id=1, name="o/r", private=False, archived=False, disabled=False, fork=False,
    default_branch="main",
)  # fmt: skip
PLAIN = Sight(id=1, installation=9, repository=SEEN, began=7)
LABELLED_SIGHT = replace(PLAIN, labels=frozenset({"BugFoundry", "bug"}), head="h")
GONE_SIGHT = Sight(id=1, began=7)
SUSPENDED_SIGHT = Sight(id=1, installation=9, suspended=True, began=7)
OPTED = Hosted(
    id=1, installation=9, name="o/r", head="h", opted_in=True, since=5, because=LABELLED,
    looked=5,
)  # fmt: skip
SIGHTS = (PLAIN, LABELLED_SIGHT, GONE_SIGHT, SUSPENDED_SIGHT,
          replace(LABELLED_SIGHT, repository=replace(SEEN, archived=True)))  # fmt: skip


MAKER, MALLORY = Word(may=True, made=True), Word(may=False, made=True)
WORDS = one_of(none(), builds(Word, may=booleans(), made=booleans()))


def decided(before: Hosted | None, sight: Sight, word: Word | None = None) -> Hosted:
    found = decide(before, sight, now=7, word=word)
    assert found is not None
    return found.hosted


def test_the_label_that_is_there_opts_in_whatever_its_case() -> None:
    found = decide(None, LABELLED_SIGHT, now=7, word=MAKER)

    assert found is not None
    assert (found.begins, found.stops) == (True, "")
    assert (found.hosted.because, found.hosted.since) == (LABELLED, 7)


def test_no_label_opts_out_and_stops() -> None:
    found = decide(OPTED, PLAIN, now=7)

    assert found is not None
    assert (found.begins, found.stops) == (False, UNLABELLED)
    assert not may_write(found.hosted)


def test_seen_again_unchanged_it_stays_since_when_it_was() -> None:
    found = decide(OPTED, LABELLED_SIGHT, now=7)

    assert found is not None
    assert found.hosted == replace(OPTED, looked=7, settings=found.hosted.settings)
    assert not found.begins
    assert not found.stops


def test_what_was_never_seen_and_is_gone_is_nothing_to_us() -> None:
    assert decide(None, GONE_SIGHT, now=7) is None


def test_gone_is_out_and_suspended_only_rests() -> None:
    assert decided(OPTED, GONE_SIGHT).because == GONE
    suspended = decided(OPTED, SUSPENDED_SIGHT)
    assert (suspended.opted_in, suspended.state, may_write(suspended)) == (True, "suspended", False)
    assert may_write(decided(suspended, LABELLED_SIGHT))


@pytest.mark.parametrize("word", [MAKER, None])
def test_what_was_gone_comes_back_by_its_label(word: Word | None) -> None:
    assert decided(decided(OPTED, GONE_SIGHT), LABELLED_SIGHT, word).opted_in


def test_a_label_of_somebody_not_trusted_opts_nothing_in_and_that_sticks() -> None:
    out = decided(None, LABELLED_SIGHT, word=MALLORY)
    assert (out.opted_in, out.because) == (False, UNTRUSTED)
    assert decided(out, LABELLED_SIGHT).because == UNTRUSTED
    assert decided(out, LABELLED_SIGHT, word=MAKER).opted_in
    assert decided(decided(out, PLAIN), LABELLED_SIGHT).opted_in


def test_who_is_not_trusted_can_opt_nothing_out_by_touching_the_label() -> None:
    assert decided(OPTED, LABELLED_SIGHT, word=MALLORY).opted_in


def test_a_label_that_nobody_told_of_counts_until_its_maker_is_known() -> None:
    unheard = decided(None, LABELLED_SIGHT)
    assert (unheard.opted_in, unheard.because) == (True, UNHEARD)
    assert decided(unheard, LABELLED_SIGHT) == unheard
    assert decided(unheard, LABELLED_SIGHT, MAKER).because == LABELLED

    found = decide(unheard, LABELLED_SIGHT, now=8, word=MALLORY)
    assert found is not None
    assert (found.hosted.opted_in, found.stops) == (False, UNTRUSTED)


def test_who_only_changes_a_label_says_nothing_of_its_maker() -> None:
    unheard = decided(None, LABELLED_SIGHT)
    assert decided(unheard, LABELLED_SIGHT, Word(may=False, made=False)) == unheard


@given(sight=sampled_from(SIGHTS), word=WORDS)
def test_what_the_operator_does_not_want_no_label_brings_back(
    sight: Sight, word: Word | None
) -> None:
    banned = replace(OPTED, opted_in=False, because=BY_OPERATOR)
    found = decided(banned, sight, word)

    assert (found.opted_in, found.because) == (False, BY_OPERATOR)


@given(
    before=one_of(none(), builds(
        replace, sampled_from([OPTED]),
        opted_in=booleans(),
        state=sampled_from(["active", "archived", "gone", "suspended"]),
        because=sampled_from([LABELLED, UNHEARD, UNLABELLED, UNTRUSTED, BY_OPERATOR, GONE]),
    )),
    sight=sampled_from(SIGHTS),
    word=WORDS,
)  # fmt: skip
def test_nothing_is_written_where_no_label_is_seen_and_work_begins_or_stops_but_once(
    before: Hosted | None, sight: Sight, word: Word | None
) -> None:
    found = decide(before, sight, now=7, word=word)
    if found is None:
        return

    if sight is not LABELLED_SIGHT:
        assert not may_write(found.hosted)
    assert found.begins == (may_write(found.hosted) and not may_write(before))
    assert bool(found.stops) == (may_write(before) and not may_write(found.hosted))
    again = decide(found.hosted, sight, now=8)
    assert again is not None
    assert not again.begins
    assert not again.stops
    assert again.hosted == found.hosted


@pytest.mark.parametrize(
    ("looked", "because", "heard", "nothing_new"),
    [
        (10.0, LABELLED, False, False),  # it began before GitHub may have shown it
        (10.0 + SHOWN_AFTER, LABELLED, False, False),
        (12.5, LABELLED, False, True),
        (12.5, LABELLED, True, True),
        (12.5, UNLABELLED, True, True),
        (12.5, BY_OPERATOR, True, True),
        (12.5, UNHEARD, False, True),
        (12.5, UNHEARD, True, False),
        (12.5, UNTRUSTED, True, False),
        (12.5, "", True, False),
        (99.0, LABELLED, False, False),  # a clock was ahead
    ],
)
def test_what_a_later_look_has_seen_is_nothing_new(
    looked: float, because: str, heard: bool, nothing_new: bool
) -> None:
    hosted = replace(OPTED, looked=looked, because=because)
    assert tells_nothing_new(hosted, 10.0, 20.0, heard=heard) is nothing_new
    assert not tells_nothing_new(None, 10.0, 20.0, heard=heard)


WANTED = Marked(repository=1, number=2, mark="wanted", by="label ann")


@pytest.mark.parametrize(
    ("before", "labels", "setter", "expected"),
    [
        (None, {LABEL}, "ann", ("wanted", "label ann")),
        (None, {LABEL}, None, (None, "")),
        (None, set(), "ann", (None, "")),
        (None, {LABEL, SKIP}, "ann", ("skip", "label ann")),
        (None, {"BUGFOUNDRY: Skip"}, None, ("skip", "label")),
        (WANTED, {LABEL}, None, ("wanted", "label ann")),
        (WANTED, {LABEL}, "bob", ("wanted", "label ann")),
        (WANTED, set(), None, (None, "")),
        (replace(WANTED, mark="skip"), {LABEL}, "bob", ("wanted", "label bob")),
        (replace(WANTED, mark="skip"), {LABEL}, None, (None, "")),
        (replace(WANTED, by="comment ann"), set(), None, ("wanted", "comment ann")),
        (replace(WANTED, by="comment ann", mark="skip"), set(), None, ("skip", "comment ann")),
        (replace(WANTED, by="comment ann"), {SKIP}, None, ("skip", "label")),
    ],
)
def test_what_labels_want_of_a_pull_request(
    before: Marked | None, labels: set[str], setter: str | None, expected: tuple[str | None, str]
) -> None:
    assert decide_mark(before, labels, setter=setter) == expected


@given(
    labels=frozensets(sampled_from([LABEL, SKIP, "bug"])),
    setter=sampled_from([None, "ann"]),
)
def test_looked_at_twice_labels_want_the_same(labels: frozenset[str], setter: str | None) -> None:
    mark, by = decide_mark(None, labels, setter=setter)
    kept = Marked(repository=1, number=2, mark=mark, by=by) if mark else None

    assert decide_mark(kept, labels, setter=setter) == (mark, by)
