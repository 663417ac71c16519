"""What gives a fix away is taken out; nothing else is touched."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.giveaway_removal import Removed, clean
from tasks.references import Traces
from tasks.repeats import added_code
from tests.tasks.traces import FIX, SHA

OTHER_SHA = "fedcba9876543210fedcba9876543210fedcba98"
TRACES = Traces(
    repository="acme/shop",
    number=123,
    commits=frozenset({SHA}),
    branch="fix-empty-cart",
    author="jo",
    code=added_code(FIX),
)

LEADING = [
    "#123",
    "GH-123",
    "gh-123",
    "acme/shop#123",
    "Acme/Shop#123",
    "formerly/shop#123",
    "PR 123",
    "PR #123",
    "pull request 123",
    "Pull-Request: #123",
    "pull/123",
    "acme/shop/pull/123",
    ":pr:`123`",
    "{pr}`123`",
    ":issue:`#123`",
    ":pr:`see <123>`",
    "https://github.com/acme/shop/pull/123",
    "https://github.com/acme/shop/pull/123/files#diff-1",
    "https://github.com/acme/shop/pull/123.diff",
    "https://github.com/acme/shop/issues/123#issuecomment-9",
    "https://git.example.com:8443/acme/shop/pull/123",
    "https://redirect.github.com/acme/shop/pull/123",
    "https://api.github.com/repos/acme/shop/pulls/123",
    f"https://github.com/acme/shop/commit/{SHA}",
    "https://github.com/acme/shop/commit/01234",
    f"https://github.com/jo/shop/blob/{SHA}/shop/cart.py#L3",
    f"https://github.com/acme/shop/compare/{OTHER_SHA}...{SHA}",
    "https://github.com/jo/shop/tree/fix-empty-cart",
    "https://github.com/acme/shop/compare/main...jo:fix-empty-cart",
    "git+https://github.com/jo/shop@fix-empty-cart",
    "https://github.com/jo/shop/archive/fix%2Dempty-cart.zip",
    SHA,
    SHA[:7],
    SHA[:12].upper(),
    f"v1.2-3-g{SHA[:8]}",
    f"acme/shop@{SHA[:10]}",
    "fix-empty-cart",
    "jo:fix-empty-cart",
    "`fix-empty-cart`",
    "(see [this](https://github.com/acme/shop/pull/123))",
    "![x](https://user-images.githubusercontent.com/1/x.png)",
]
INNOCENT = [
    "#12",
    "#1234",
    "a#123",
    "&#123;",
    "other/project#123",
    "https://github.com/other/project/pull/123",
    "https://github.com/acme/shop/pull/1234",
    "https://github.com/acme/shop/issues/12",
    "other/project/pull/123",
    "123",
    "page 123",
    OTHER_SHA,
    f"z{SHA[:7]}z",
    "fix-empty-carts",
    "empty-cart",
    "`total(items)`",
    "amount = sum(item.price for item in items)",
    "import decimal",
    "else:",
    "![x](https://example.com/x.png)",
    "a <!-- b --> c",
    "\r\n",
    "  \t",
    "```",
    "[a](b)",
]
SURVIVES = re.compile(
    rf"(?<![\w&#/])#123(?!\w)|(?<!project/)\bpull/123(?!\w)|\bshop#123(?!\w)"
    rf"|\b(?:GH-|PR #?)123(?!\w)|(?<![\w-])fix-empty-cart(?![\w-])|{SHA}",
    re.I,
)
WORD = re.compile(r"[0-9A-Za-z]{7,}")


def survives(text: str) -> bool:
    """Say whether a text still leads to the fix, by a rule of the test's own."""
    words = (word.lower() for word in WORD.findall(text))
    return bool(SURVIVES.search(text)) or any(SHA.startswith(word) for word in words)


@pytest.mark.parametrize("reference", LEADING)
def test_what_leads_to_the_fix_is_taken_out(reference: str) -> None:
    done = clean(f"Compare {reference} with that.\nNext: {reference}, and more", TRACES)
    assert not survives(done.text), done
    assert "123" not in done.text
    assert "Compare " in done.text
    assert ", and more" in done.text
    assert len(done.removed) >= 2


@pytest.mark.parametrize("text", INNOCENT)
def test_what_does_not_stays(text: str) -> None:
    assert clean(f"Compare {text} with that.", TRACES).text == f"Compare {text} with that."
    assert clean(text, TRACES).text == text


def test_what_was_taken_out_is_told() -> None:
    done = clean(f"Since {SHA[:8]} (#123) it works.", TRACES)
    assert done.text == "Since it works."
    assert done.removed == (Removed("commit", SHA[:8]), Removed("number", "#123"))


def test_the_text_of_a_link_stays_and_its_brackets_go() -> None:
    url = "https://github.com/acme/shop/pull/123"
    assert clean(f'As [said here]({url} "x") <{url}>, no.', TRACES).text.startswith("As ")
    assert clean(f"As [said here]({url}), no.", TRACES).text == "As said here, no."
    assert clean(f"Look (<{url}>): no.", TRACES).text == "Look: no."
    assert clean(f"[1]: {url}\n", TRACES).text == "[1]:\n"


def test_a_common_branch_is_not_looked_for_in_prose() -> None:
    traces = Traces(repository="acme/shop", branch="main", author="jo")
    text = "It is on main, see https://github.com/acme/shop/blob/main/README.md and app:main."
    assert clean(text, traces).text == text
    fork = "Try https://github.com/jo/shop/tree/main or jo:main."
    assert clean(fork, traces).text == "Try or."


def test_without_traces_nothing_is_taken_out() -> None:
    text = f"#1 {SHA} GH-2\n```python\nrate = current_rate(self.currency, fallback='EUR')\n```\n"
    assert clean(text, Traces()).text == text


def test_code_that_repeats_the_fix_is_taken_out_and_other_code_stays() -> None:
    text = """It could be

```python
import decimal
cart = Cart(currency="EUR")
if not items:
    amount = sum( item.price*item.count  for item in items )
    return None
```
or `rate = current_rate(self.currency, fallback="EUR")`, not `total(items)`:

    rate = current_rate(self.currency,
                        fallback="EUR")
> + amount = sum(item.price * item.count for item in items)
"""
    done = clean(text, TRACES)
    assert (
        done.text
        == """It could be

```python
import decimal
cart = Cart(currency="EUR")
if not items:
    return None
```
or , not `total(items)`:

"""
    )
    assert {each.kind for each in done.removed} == {"code"}


def test_a_block_of_which_little_is_left_goes_whole() -> None:
    line = "    amount = sum(item.price * item.count for item in items)\n"
    text = f"So:\n~~~\nif not items:\n{line}~~~\n"
    done = clean(text, TRACES)
    assert done.text == "So:\n"
    assert done.removed == (Removed("code", text.removeprefix("So:\n")),)


@pytest.mark.parametrize("info", ["diff", "suggestion", "suggestion:-0+2", ""])
def test_a_diff_of_the_fix_goes_whole(info: str) -> None:
    mark = "" if info.startswith("suggestion") else "+"
    header = "@@ -1 +1 @@\n" * (not info)
    line = f"{mark}    amount = sum(item.price * item.count for item in items)"
    assert clean(f"````{info}\n{header}{line}\n x\n````\nyes", TRACES).text == "yes"
    other = f"````{info}\n{header}+    other = [item.price for item in items]\n````\nyes"
    assert clean(other, TRACES).text == other


def test_what_shows_the_bug_stays() -> None:
    text = """```pytb
Traceback (most recent call last):
  File "shop/cart.py", line 12, in total
    amount = sum(item.price * item.count for item in items)
TypeError
```
```py
>>> from shop.rates import current_rate
>>> Cart("EUR").total([Item(price=2, count=3)]) == 6
>>> amount = sum(item.price for item in items)
>>> assert Cart("EUR").total([Item(price=2, count=3)]) == 6
```
"""
    assert clean(text, TRACES).text == text


def test_comments_of_templates_and_screenshots_go() -> None:
    text = (
        "<!-- Thank you!\n\n#123 -->\n**What**\n"
        '<img width="3" src="https://github.com/user-attachments/assets/1-2">\n'
        "```html\n<!-- a page -->\n```\n<!-- open\n"
    )
    done = clean(text, TRACES)
    assert done.text == "**What**\n\n```html\n<!-- a page -->\n```\n<!-- open\n"
    assert [each.kind for each in done.removed] == ["comment", "image"]


def test_a_text_made_to_yield_references_without_end_is_dropped() -> None:
    text = "PR " * 100 + "#123 " * 100
    tangled = clean("PR " * 100 + "123 " * 100, TRACES)
    assert tangled.text == ""
    assert tangled.removed[-1].kind == "tangled"
    assert not survives(clean(text, TRACES).text)


FRAGMENTS = st.lists(
    st.sampled_from([*LEADING, *INNOCENT, " ", "\n", "(", ")", "#", "PR", "`", "~~~\n", "<!--"])
    | st.text(max_size=5)
)


@given(FRAGMENTS.map("".join))
@example("#" + "PR 123" + "123")
def test_cleaning_twice_is_cleaning_once_and_no_reference_survives(text: str) -> None:
    done = clean(text, TRACES)
    again = clean(done.text, TRACES)
    assert again.text == done.text
    assert again.removed == ()
    assert not survives(done.text)
    assert (done.text == text) == (not done.removed)


@given(st.lists(st.sampled_from(INNOCENT) | st.text("abc xyz.,\n\t`*_[]()", max_size=8)))
def test_a_text_without_references_is_returned_as_it_is(parts: list[str]) -> None:
    text = " ".join(parts)
    assert clean(text, TRACES).text == text


@pytest.mark.parametrize(
    "piece", ["[", "![", "<!--\n", "<img ", "```\n", "`", "a/", "a" * 50, "PR ", "\n", "https://a/"]
)
def test_cleaning_takes_no_time_to_speak_of(piece: str) -> None:
    text = (piece * 65_536)[:65_536]
    started = time.process_time()
    clean(text, TRACES)
    assert time.process_time() - started < 5
