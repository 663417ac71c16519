"""What a user could have seen: masked messages, the public interface, real issues as samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import Issue
from syntax.patches import unified_diff
from tasks.giveaways import Secrets, leaks, names_of_tests, secrets_of
from tasks.masks import exception_of, mask_output
from tasks.observed import excerpt, module_of, observe, public_parts
from tasks.voices import SAMPLE_LIMIT, samples
from tests.furniture.project import SOURCE
from tests.tasks.made import make_bug
from tests.tasks.secrets_of_bugs import REPORT, SECRETS, TEST, hidden

PATH = "src/shop/__init__.py"


def test_a_traceback_keeps_calls_and_exception_and_loses_places_and_code() -> None:
    assert mask_output(REPORT, SECRETS) == (
        "Traceback (most recent call last):\n"
        '  File "example.py", in example\n'
        "    assert clamp(value, 0, 10) == expected\n"
        '  File "…", in clamp\n'
        "AssertionError: assert 0 == 10\n"
        " +  where 0 = clamp(11, 0, 10)"
    )


def test_other_libraries_keep_their_names_and_nothing_keeps_its_line() -> None:
    text = 'Traceback:\n  File "/usr/lib/python3.11/json/decoder.py", line 337, in decode\n    x\nE'
    assert mask_output(text, SECRETS) == 'Traceback:\n  File "decoder.py", in decode\nE'


def test_what_differs_from_run_to_run_is_not_told() -> None:
    text = "<Basket object at 0x7f12ab34cd56> in /tmp/pytest-of-me/x1/a.txt, shop.py:12: boom"
    assert mask_output(text, SECRETS) == "<Basket object at 0x…> in /tmp/…, shop.py: boom"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("assert <[TypeError('...x7f0524097a80> == (1, 2)", "assert <[TypeError('...> == (1, 2)"),
        ("assert <[TypeError('...0x7f422ae94540>] == 1", "assert <[TypeError('...>] == 1"),
        (
            "assert <Basket object at 0x7f...422ae94540> is None",
            "assert <Basket object at 0x...> is None",
        ),
        ("assert <Basket object at 0x...b> is 'x'", "assert <Basket object at 0x...b> is 'x'"),
        ("<p>and so on ...</p>", "<p>and so on ...</p>"),
    ],
)
def test_an_address_that_was_cut_is_not_told_either(text: str, told: str) -> None:
    assert mask_output(text, SECRETS) == told


def test_long_messages_lose_their_middle() -> None:
    text = mask_output("first\n" + "x" * 99_999 + "\nlast", SECRETS)
    assert len(text) <= 1500
    assert text.startswith("first")
    assert text.endswith("last")


@given(hidden(), st.data())
def test_no_masked_message_holds_a_test_or_a_changed_line(
    secrets: Secrets, data: st.DataObject
) -> None:
    known = [*names_of_tests(secrets.tests), *secrets.lines, *secrets.paths]
    pieces = st.one_of(st.sampled_from(known), st.text(max_size=20))
    text = "\n".join(data.draw(st.lists(st.lists(pieces, max_size=3).map(" ".join), max_size=6)))
    assert leaks(mask_output(text, secrets), secrets) == []


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (REPORT, "AssertionError: assert 0 == 10\n +  where 0 = clamp(11, 0, 10)\n".strip("\n")),
        ("assert 1 == 2\n\nmore", "assert 1 == 2\n\nmore"),
        ('  File "a.py", line 1, in f\n    x', "    x"),
    ],
)
def test_the_exception_of_a_traceback_is_found(message: str, told: str) -> None:
    assert exception_of(message) == told


@pytest.mark.parametrize(
    ("test", "named"),
    [
        ("tests/test_shop.py::TestClamp::test_low[1]", ["TestClamp", "test_low", "test_shop.py"]),
        ("tests/shop.py::Basket::test_add", ["tests/shop.py", "tests.shop", "test_add"]),
    ],
)
def test_all_that_a_test_is_known_by(test: str, named: list[str]) -> None:
    found = names_of_tests([test])
    assert set(named) <= set(found)
    assert test in found
    assert "Basket" not in found
    assert "shop.py" not in found


def test_a_doctest_does_not_hide_the_name_of_what_it_documents() -> None:
    assert names_of_tests(["src/shop/__init__.py::shop.clamp"]) == [
        "src/shop/__init__.py::shop.clamp",
        "src/shop/__init__.py",
    ]


def patch_of(old: str, new: str) -> str:
    return unified_diff(PATH, SOURCE.encode(), SOURCE.replace(old, new).encode())


def read(path: str) -> bytes | None:
    return {PATH: SOURCE.encode(), "README.md": b"<!-- badges -->\n# shop\n\nPrices."}.get(path)


def test_what_is_public_of_the_changed_code_is_told() -> None:
    assert public_parts(patch_of("return high", "return low"), read) == [
        "module shop\nclamp(value, low, high)\nKeep a value within bounds."
    ]
    assert public_parts(patch_of("self.items.append", "self.items.add"), read) == [
        "module shop\nBasket.add(self, name, count=1)"
    ]
    assert public_parts(patch_of("items: list = field", "items: list = 3 and field"), read) == [
        "module shop\nBasket"
    ]


def test_what_is_private_is_told_by_what_holds_it_or_not_at_all() -> None:
    private = (
        b"class Shop:\n    '''Sells.'''\n    def _open(self):\n        return 1\ndef _x():\n    2\n"
    )

    def of(old: bytes, new: bytes) -> list[str]:
        patch = unified_diff("shop.py", private, private.replace(old, new))
        return public_parts(patch, lambda path: private)

    assert of(b"return 1", b"return 2") == ["module shop\nShop\nSells."]
    assert of(b"    2", b"    3") == []


def test_what_cannot_be_read_is_left_out() -> None:
    assert public_parts("--- a/x\nno patch", read) == []
    assert (
        public_parts(unified_diff("a.py", b"print 1\n", b"print 2\n"), lambda p: b"print 1\n") == []
    )


def test_a_signature_that_the_bug_changes_is_not_told() -> None:
    broken = SOURCE.replace("def clamp(value, low, high):", "def clamp(value, high, low):").encode()
    bug = make_bug("0" * 40, broken)
    changed = bug.__class__(
        tree=bug.tree,
        patch=unified_diff(PATH, SOURCE.encode(), broken),
        changes=bug.changes,
        origin=bug.origin,
    )
    seen = observe(changed, [TEST], {TEST: REPORT}, name="shop", read=read)
    assert "value, low, high" not in seen.public
    assert "Keep a value within bounds." in seen.public


def test_the_readme_is_told_without_what_nobody_sees() -> None:
    assert excerpt(read) == "# shop\n\nPrices."
    assert excerpt(lambda path: None) == ""


@pytest.mark.parametrize(
    ("path", "module"),
    [("src/shop/__init__.py", "shop"), ("shop/a/b.py", "shop.a.b"), ("six.py", "six")],
)
def test_a_module_is_named_as_it_is_imported(path: str, module: str) -> None:
    assert module_of(path) == module


def test_messages_that_say_the_same_are_told_once() -> None:
    other = REPORT.replace("clamp(value, 0, 10) ==", "clamp(value, 0, 10) is")
    more = REPORT.replace("assert 0 == 10", "assert 0 == 7")
    tests = [f"{TEST}{n}" for n in range(3)]
    told = dict(zip(tests, (REPORT, other, more), strict=True))
    seen = observe(make_bug("0" * 40), tests, told, name="shop", read=read)
    first, second = seen.messages
    assert "clamp(value, 0, 10) == expected" in first
    assert "assert 0 == 7" in second


def issue(number: int, **more: object) -> Issue:
    values = {
        "repository": "o/shop",
        "number": number,
        "title": f"Issue {number}",
        "body": "It goes wrong in many ways. " * (number % 30 + 3),
        "created": "2024-01-01T00:00:00Z",
        **more,
    }
    return Issue(**values)  # type: ignore[arg-type]


def test_samples_are_short_and_long_and_the_same_each_time() -> None:
    issues = [issue(number) for number in range(1, 80)]
    found = samples(issues)
    assert len(found) == 4
    assert found == samples(reversed(issues))
    assert sorted(map(len, found)) == list(map(len, found))
    assert all(len(text) <= SAMPLE_LIMIT for text in found)


def test_what_is_no_report_of_a_person_is_no_sample() -> None:
    assert (
        samples(
            [
                issue(1, bot=True),
                issue(2, created=""),
                issue(3, labels=("type: feature",)),
                issue(4, body="Broken."),
                issue(5, body="x y " * 5000),
                issue(6, body="<!-- template: describe what happened in your own words -->\n"),
            ]
        )
        == ()
    )
    assert samples([]) == ()


def test_the_operator_of_a_mirrored_bug_is_no_secret() -> None:
    bug = make_bug("0" * 40)
    origin = bug.origin.__class__(strategy="mirror", operator="apply")
    mirrored = bug.__class__(tree=bug.tree, patch=bug.patch, changes=bug.changes, origin=origin)
    assert secrets_of(mirrored, [TEST]).operator == ""
    assert secrets_of(bug, [TEST]).operator == "swap_call"
