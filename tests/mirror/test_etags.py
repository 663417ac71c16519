"""Answers that are kept to be asked for again with their tag."""

from __future__ import annotations

from mirror.github.answers import Answer
from mirror.github.etags import EtagCache


def answer(size: int = 10, *, status: int = 200, etag: str = 'W/"1"') -> Answer:
    headers = {"etag": etag} if etag else {}
    return Answer(status=status, headers=headers, data={"size": size}, size=size)


def test_an_answer_is_known_by_who_asked_what() -> None:
    known = EtagCache()
    kept = answer()
    known.keep(("a", "/x"), kept)
    assert known.of(("a", "/x")) is kept
    assert known.of(("b", "/x")) is None


def test_a_newer_answer_takes_the_place_of_an_older_one() -> None:
    known = EtagCache(100)
    for size in (10, 12, 11):
        known.keep("x", answer(size))
    found = known.of("x")
    assert found is not None
    assert found.size == 11
    known.keep("x", answer(status=404))
    assert known.of("x") is None


def test_what_was_not_asked_for_the_longest_time_is_forgotten_first() -> None:
    known = EtagCache(100)
    for key in range(10):
        known.keep(key, answer(10))
    known.of(0)
    known.keep("new", answer(10))
    assert known.of(0) is not None
    assert known.of(1) is None
    assert known.of("new") is not None


def test_however_much_is_asked_memory_is_bounded() -> None:
    known = EtagCache(1000)
    for key in range(500):
        known.keep(key, answer(key % 125))
    kept = [found.size for key in range(500) if (found := known.of(key)) is not None]
    assert 800 < sum(kept) <= 1000


def test_what_has_no_tag_or_is_too_large_is_not_kept() -> None:
    known = EtagCache(1000)
    known.keep("a", answer(etag=""))
    known.keep("b", answer(900))
    assert known.of("a") is None
    assert known.of("b") is None
