"""Which issues a message closes, as GitHub reads it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.keywords import find_closed_issues, message_links

HERE = "pallets/click"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        *((f"{word} #12", {12}) for word in ("close", "closes", "closed", "fix", "fixes", "fixed")),
        *((f"{word} #12", {12}) for word in ("resolve", "resolves", "resolved")),
        ("FIXES: #12", {12}),
        ("Fixes : #12", {12}),
        ("fixes:#12", {12}),
        ("fixes\n#12", {12}),
        ("This fixes #12.", {12}),
        ("(fixes #12)", {12}),
        ("fixes GH-12", {12}),
        ("fixes gh-12", {12}),
        ("fixes pallets/click#12", {12}),
        ("fixes Pallets/Click#12", {12}),
        ("fixes https://github.com/pallets/click/issues/12", {12}),
        ("closes https://git.example.org:8443/pallets/click/issues/12#issuecomment-1", {12}),
        ("fixes #1, fixes #2 and closes #3", {1, 2, 3}),
        ("Fix #495: resolve params (#906)", {495}),
        ("fix: fix the fix to #884 to fix #1025", {1025}),
        ("fixes #1, #2", {1}),
        ("fixes #0012", {12}),
        ("fixes #0", set()),
        ("fixes 12", set()),
        ("fixes#12", set()),
        ("prefixes #12", set()),
        ("hot-fixes #12", set()),
        ("fixing #12", set()),
        ("fixes issue #12", set()),
        ("fixes #12abc", set()),
        ("fixes\n\n#12", set()),
        ("fixes https://github.com/pallets/click/pull/12", set()),
        ("see #12", set()),
        ("run `fixes #12` here", set()),
        ("```\nfixes #12\n```", set()),
        ("~~~ py\nfixes #12\n~~~\nfixes #3", {3}),
        ("```\nnever closed: fixes #12", set()),
        ("<!-- fixes #12 -->", set()),
        ("``fixes `#12` ``", set()),
    ],
)
def test_a_keyword_before_a_reference_closes_it(text: str, numbers: set[int]) -> None:
    assert find_closed_issues(text, HERE) == {(HERE, number) for number in numbers}


def test_an_issue_of_another_repository_keeps_its_name() -> None:
    text = "fixes pallets/flask#5, closes https://github.com/psf/black/issues/6"
    assert find_closed_issues(text, HERE) == {("pallets/flask", 5), ("psf/black", 6)}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("see #12", [12]),
        ("(#12), GH-13 and https://github.com/pallets/click/issues/14", [12, 13, 14]),
        ("fixes #1, #2", [1, 2]),
        ("colour &#12; and page/#13 and a#14", []),
        ("`#12`", []),
    ],
)
def test_a_reference_alone_is_a_mention(text: str, numbers: list[int]) -> None:
    mentions = [link for link in message_links(text, HERE) if link.evidence == "mention"]
    assert [link.number for link in mentions] == numbers


WORDS = st.sampled_from(["fix", "FIXES", "Fixed", "close", "Closes", "resolved", "ReSolve"])
GAPS = st.sampled_from([" ", ": ", " : ", "\n", "  "])
NUMBERS = st.integers(min_value=1, max_value=99_999_999)
FORMS = st.sampled_from(
    ["#{}", "GH-{}", "pallets/click#{}", "https://github.com/pallets/click/issues/{}"]
)
PROSE = st.text(alphabet=st.characters(exclude_characters="`~<#/", exclude_categories=["Cs", "Nd"]))


@given(PROSE, WORDS, GAPS, FORMS, NUMBERS, PROSE)
def test_a_closing_reference_is_found_in_any_prose_and_in_no_code(
    before: str, word: str, gap: str, form: str, number: int, after: str
) -> None:
    said = f"{word}{gap}{form.format(number)}"
    assert find_closed_issues(f"{before}\n{said} {after}", HERE) == {(HERE, number)}
    assert find_closed_issues(f"{before}\n```\n{said}\n```\n{after}", HERE) == set()


@given(st.text(alphabet="fixes#12 GH-:\n`~,/.<!->", max_size=200))
def test_what_is_closed_is_also_mentioned_and_never_zero(text: str) -> None:
    links = list(message_links(text, HERE))
    named = {(link.repository, link.number) for link in links if link.evidence == "mention"}
    assert find_closed_issues(text, HERE) <= named
    assert all(link.number > 0 for link in links)


@pytest.mark.parametrize(
    "text",
    ["fix" + " " * 50_000, "`" * 50_000, "` " * 50_000, "```\n" * 20_000, "<!--" * 50_000]
    + [part * 50_000 for part in ("#1, ", "a/", "https://a/", "GH-1", "fixes ", "#")],
    ids=lambda text: text[:6],
)
def test_a_hostile_message_takes_no_time(text: str) -> None:
    started = time.process_time()
    assert not any(link.evidence == "keyword" for link in message_links(text, HERE))
    assert time.process_time() - started < 2


def test_a_message_made_to_be_slow_is_read_at_once() -> None:
    text = " ".join("`" * n for n in range(1, 350))

    started = time.process_time()
    list(message_links(text, "a/b"))

    assert time.process_time() - started < 5
