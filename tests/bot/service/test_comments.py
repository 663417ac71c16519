"""What is a command in a comment, and what only looks like one."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis.strategies import sampled_from, text
from markdown_it import MarkdownIt

from bot.service.handlers.comment_commands import NAMES, CommentCommand, Name, as_code, find_command

WORDS = [f"/bugfoundry {name}" for name in NAMES]
MARKDOWN = text("abc/ \n`~>-=*_<![]()#|\\\t\u00e9", max_size=40)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "{}\n",
        "  {}  ",
        "{} please, and thank you",
        "Fine by me.\n{}\nThanks!",
        "> quoted\n\n{}",
        "```\ncode\n```\n{}",
        "- item\n\n{}",
        "{}\n---\nsent from a telephone",
        "\r\n{}\r\nx",
    ],
)
def test_a_command_stands_at_the_beginning_of_a_line(form: str, name: Name) -> None:
    assert find_command(form.format(f"/bugfoundry {name}")) == CommentCommand(name=name)
    assert find_command(form.format(f"/BugFoundry\t{name.upper()}")) == CommentCommand(name=name)


@pytest.mark.parametrize("text", ["/bugfoundry", "/bugfoundry   ", "hello\n/bugfoundry\nyou"])
def test_alone_it_asks_for_help(text: str) -> None:
    assert find_command(text) == CommentCommand(name="help")


def test_another_word_gets_help_and_is_named() -> None:
    assert find_command("/bugfoundry mirrorr now") == CommentCommand(name="help", unknown="mirrorr")


def test_the_first_of_several_counts() -> None:
    assert find_command("/bugfoundry skip\n/bugfoundry mirror") == CommentCommand(name="skip")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "say /bugfoundry mirror",
        "/bugfoundrymirror",
        "x/bugfoundry mirror",
        "> /bugfoundry mirror",
        ">/bugfoundry mirror",
        "> quote\n/bugfoundry mirror",
        "> > deep\n/bugfoundry mirror",
        "- item\n/bugfoundry mirror",
        "* /bugfoundry mirror",
        "1. /bugfoundry mirror",
        "    /bugfoundry mirror",
        "\t/bugfoundry mirror",
        "```\n/bugfoundry mirror",
        "````\n```\n/bugfoundry mirror\n````",
        "~~~ sh\n/bugfoundry mirror\n~~~",
        "`code\n/bugfoundry mirror\nmore`",
        "`/bugfoundry mirror`",
        "**/bugfoundry mirror**",
        "<!-- /bugfoundry mirror -->",
        "<!--\n\n/bugfoundry mirror\n\n-->",
        "<details>\n/bugfoundry mirror\n</details>",
        "<pre>\n\n/bugfoundry mirror\n\n</pre>",
        "[link\n/bugfoundry mirror](https://example.org)",
        "# /bugfoundry mirror",
        "| /bugfoundry mirror |",
    ],
)
def test_what_is_quoted_or_shown_is_no_command(text: str) -> None:
    assert find_command(text) is None


@given(inside=MARKDOWN, word=sampled_from(WORDS))
@example(inside="```\n", word=WORDS[0])
def test_nothing_inside_a_fence_is_a_command(inside: str, word: str) -> None:
    longest = max((len(run) for run in re.findall("[`~]+", inside)), default=0)
    for mark in "`~":
        fence = mark * max(3, longest + 1)
        assert find_command(f"{fence}\n{inside}\n{word}\n{inside}\n{fence}\n") is None


@given(inside=MARKDOWN, word=sampled_from(WORDS))
def test_nothing_in_a_quote_is_a_command(inside: str, word: str) -> None:
    lines = re.split("[\r\n]", f"{inside}\n{word}\n{inside}")
    assert find_command("\n".join(f"> {line}" for line in lines)) is None


@given(before=MARKDOWN)
def test_whatever_is_found_is_shown_as_a_line_of_its_own_text(before: str) -> None:
    if find_command(f"{before}\n/bugfoundry mirror") == CommentCommand(name="mirror"):
        html = MarkdownIt("commonmark").render(f"{before}\n/bugfoundry mirror")
        last = html.rpartition("/bugfoundry mirror")[0]
        assert last.count("<blockquote>") == last.count("</blockquote>")
        assert last.count("<pre>") == last.count("</pre>")
        assert last.count("<code>") == last.count("</code>")


@given(text(max_size=300))
@example("``` @octocat ```")
@example("` <img src=x> #1 @everyone |")
@example("`")
@example("")
def test_what_is_echoed_mentions_nobody_and_formats_nothing(said: str) -> None:
    shown = MarkdownIt("commonmark").render(as_code(said)).strip()

    assert re.fullmatch(r"<p><code>[^<>]*</code></p>", shown) or not said.strip()
    assert "\n" not in as_code(said)
