"""What maintainers read: within GitHub's bounds, and nobody else's text does anything in it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.service.outbox.outbox import CheckAnnotation
from bot.service.reports.channels import ReportDraft, check_of, report_jobs
from bot.service.reports.gaps import SHOWN, GapFacts, Yield, gap_report
from bot.service.reports.guards import Guards, guards_check
from bot.service.reports.plain import REDACTED, block, fit_parts, span, visible
from bot.service.reports.ranks import Gap, is_public, named_for, rank_gaps
from bot.service.reports.unbuilt import Tried, make_unbuilt_report
from bot.service.stages.report import yields
from harness.runs.selection import Coverage, ExecutionTrace
from storage.records import Bug, Origin, Strategy, Verdict
from storage.tables.hosted import Hosted
from syntax.patches import unified_diff

MOST = 65_535
HOSTED = Hosted(id=7, installation=9, name="acme/shop", opted_in=True, commit="c" * 40)
FACTS = GapFacts(
    name="acme/shop",
    commit="c" * 40,
    web_url="https://github.example",
    public_url="https://bugs.example",
    yields=(Yield(strategy="procedural", judged=12, valid=9, unnoticed=2),),
    tests=28,
)
PATH = "src/shop/prices.py"
SOURCE = b"def total(items):\n    return sum(items)\n\n\ndef _round(x):\n    return round(x)\n"
TOKEN = "ghp_" + "a" * 36
EVIL = f"@octocat #1 fixes #2 ``` ~~~ </details> <!-- x --> [a](javascript:x) \u202e \x00 {TOKEN}"
PATHS = st.from_regex(r"[^\x00\n\r\"\\]{1,60}", fullmatch=True)
ANYTHING = st.text() | st.just(EVIL) | st.from_regex(r"[`~@#<\n -]{0,40}", fullmatch=True)


def bug(
    path: str = PATH,
    old: bytes = SOURCE,
    new: bytes = SOURCE.replace(b"sum(", b"max("),
    *,
    strategy: Strategy = "procedural",
    entity: str = "total",
    line: int = 2,
    pull: int = 0,
) -> Bug:
    patch = unified_diff(path, old, new)
    origin = Origin(strategy=strategy, path=path, entity=entity, line=line, pull=pull)
    return Bug(tree="t", patch=patch, changes=(), origin=origin)


def gap(running: int = 3, nearest: str = "tests/test_prices.py", **changed: object) -> Gap:
    return Gap(bug=bug(**changed), running=running, nearest=nearest, public=True)  # type: ignore[arg-type]


def verdict_on(one: Bug, *, reason: str = "valid") -> Verdict:
    return Verdict(bug=one.id, environment="e", harness="1", mode="full", reason=reason)


def tokens(text: str) -> list[Token]:
    """What is not code, of a text as GitHub reads it."""
    found: list[Token] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        found += token.children or [token]
    return found


def outside_code(text: str) -> str:
    return "\n".join(t.content for t in tokens(text) if t.type not in ("fence", "code_inline"))


# --- anybody's text ---


@given(ANYTHING)
def test_code_in_a_line_holds_whatever_it_is_given(text: str) -> None:
    shown = f"a {span(text)} z"
    assert outside_code(shown).split() == ["a", "z"]
    assert "\n" not in shown


@given(ANYTHING)
def test_a_block_of_code_holds_whatever_it_is_given(text: str) -> None:
    parsed = MarkdownIt("gfm-like", {"linkify": False}).parse(f"{block(text, 'diff')}\n\nafter")
    assert [t.type for t in parsed] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert parsed[0].content.rstrip("\n") == visible(text).rstrip("\n")


def test_what_is_hidden_is_written_out() -> None:
    assert visible("a\u202eb\u200bc\x1b[31m\ud800") == r"a\u202eb\u200bc\x1b[31m\ud800"
    assert visible("naïve — ✓ 日本\ttab\nline") == "naïve — ✓ 日本\ttab\nline"


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1" * 18,
        "ghs_" + "b2" * 18,
        "github_pat_" + "c3" * 20,
        "sk-ant-api03-" + "d4" * 20,
        "AKIAABCDEFGHIJKLMNOP",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE and no end",
    ],
)
def test_secrets_are_left_out(secret: str) -> None:
    for shown in (span(f"x {secret} y"), block(f"x {secret}")):
        assert secret not in shown
        assert secret.splitlines()[-1] not in shown
        assert REDACTED in shown


def test_a_password_in_an_address_is_left_out() -> None:
    assert visible("https://me:hush@index.example/simple") == (
        f"https://{REDACTED}@index.example/simple"
    )


@given(st.lists(st.text(max_size=60), max_size=30), st.integers(min_value=60, max_value=400))
def test_what_does_not_fit_is_counted(parts: list[str], most: int) -> None:
    text = fit_parts(parts, "*And {} more.*", most)
    assert len(text.encode("utf-8", "surrogatepass")) <= most
    left = re.search(r"\*And (\d+) more\.\*\Z", text)
    if left is None or "*And" in "".join(parts):
        return
    assert text.startswith("\n\n".join(parts[: len(parts) - int(left[1])]))


# --- which bugs are the worst ---


def seen(*lines: int, code: int = 0) -> ExecutionTrace:
    mask = sum(1 << line for line in lines)
    return ExecutionTrace(lines={PATH: mask}, code={PATH: 1 << code} if code else {})


COVERAGE = Coverage(
    imported=ExecutionTrace(),
    tests={
        "tests/test_prices.py::test_a": seen(2, code=1),
        "tests/test_prices.py::test_b": seen(2, code=1),
        "tests/test_other.py::test_c": seen(2, code=1),
        "tests/test_round.py::test_d": seen(6, code=5),
    },
)


def read(path: str) -> bytes | None:
    return SOURCE if path == PATH else None


def test_tests_that_run_the_change_are_counted_and_the_nearest_is_named() -> None:
    [found] = rank_gaps([bug()], COVERAGE, read)
    assert (found.running, found.nearest, found.public) == (3, "tests/test_prices.py", True)


def test_where_no_test_runs_it_the_nearest_runs_something_in_the_file() -> None:
    coverage = Coverage(
        imported=ExecutionTrace(), tests={"tests/test_round.py::test_d": seen(6, code=5)}
    )
    [found] = rank_gaps([bug()], coverage, read)
    assert (found.running, found.nearest) == (0, "tests/test_round.py")


def test_without_coverage_nothing_is_claimed() -> None:
    [found] = rank_gaps([bug()], None, read)
    assert (found.running, found.nearest) == (0, "")


def test_a_bug_that_was_here_once_is_the_worst_then_what_tests_run_then_what_none_runs() -> None:
    rounding = SOURCE.replace(b" round(x)", b" int(x)")
    private = bug(new=rounding, entity="_round", line=6)
    mirrored = bug(strategy="mirror", new=SOURCE.replace(b"sum(", b"min("))
    watched = bug()
    other = "src/shop/other.py"
    unwatched = bug(path=other, new=SOURCE.replace(b"sum(", b"len("))
    combined = bug(strategy="combine")

    def both(path: str) -> bytes:
        return SOURCE

    found = rank_gaps([unwatched, private, combined, watched, mirrored], COVERAGE, both)

    assert [one.bug for one in found] == [mirrored, watched, private, unwatched]


@pytest.mark.parametrize(
    ("path", "entity", "public"),
    [
        ("src/shop/prices.py", "Basket.total", True),
        ("src/shop/__init__.py", "Basket.__len__", True),
        ("src/shop/_prices.py", "total", False),
        ("src/shop/prices.py", "_Basket.total", False),
        ("src/shop/prices.py", "", True),
    ],
)
def test_what_begins_with_one_underscore_is_private(path: str, entity: str, public: bool) -> None:
    assert is_public(path, entity) is public


def test_a_file_of_tests_is_known_by_its_name() -> None:
    files = ["tests/test_a.py", "tests/test_prices.py", "tests/test_shop.py"]
    assert named_for(PATH, files) == "tests/test_prices.py"
    assert named_for("src/shop/__init__.py", files) == "tests/test_shop.py"
    assert named_for("src/shop/other.py", files) == ""


# --- the report ---


def test_a_gap_is_told_with_its_place_its_diff_and_the_nearest_tests() -> None:
    body = gap_report(FACTS, [gap()]).body
    assert f"https://github.example/acme/shop/blob/{'c' * 40}/{PATH}#L2" in body
    assert "3 tests run this code, and none minds." in body
    assert "The nearest tests are in `tests/test_prices.py`." in body
    assert "-    return sum(items)\n+    return max(items)" in body
    assert "10 of 12 bugs were noticed" in body
    assert "| procedural | 12 | 9 | 2 |" in body
    assert "https://bugs.example/repositories/acme/shop" in body
    assert "report: none" in body


def test_a_bug_that_came_back_is_told_as_such_and_leaves_no_trace_on_its_pull_request() -> None:
    body = gap_report(FACTS, [gap(strategy="mirror", pull=12)]).body
    assert "**This bug was here once** and was mended by `#12`." in body
    assert "#12" not in outside_code(body)


def test_bugs_of_one_function_share_a_section() -> None:
    body = gap_report(FACTS, [gap(), gap(new=SOURCE.replace(b"sum(", b"min("))]).body
    assert body.count("###") == 1
    assert "And 1 more bug in the same place." in body


def test_without_gaps_it_says_so_and_is_no_news_of_its_own() -> None:
    told = gap_report(FACTS, [])
    assert told.empty
    assert "none of the others is left" in told.body


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), ANYTHING, PATHS, ANYTHING, ANYTHING), max_size=SHOWN + 5
    )
)
def test_a_report_is_within_the_bounds_and_mentions_nobody(
    parts: list[tuple[int, str, str, str, str]],
) -> None:
    gaps = [
        gap(
            running,
            nearest,
            path=f"src/{path}.py",
            entity=entity,
            new=text.encode("utf-8", "surrogatepass") * 500,
        )
        for running, nearest, path, entity, text in parts
    ]
    told = gap_report(FACTS, gaps)
    check = check_of(told, "c" * 40)
    for text in (told.body, check.summary, check.text):
        assert len(text.encode()) <= MOST - 500
        assert "ghp_" not in text
    assert "@" not in outside_code(told.body)
    assert not [t for t in tokens(told.body) if t.type.startswith("html")]
    for one in check.annotations:
        assert len(one.message.encode()) < 64_000
        assert one.start_line >= 1


def test_a_long_report_keeps_its_end() -> None:
    parts = tuple(f"### {n}\n\n" + "🦀" * 1000 for n in range(40))
    told = ReportDraft(
        title="t", headline="h", intro="intro", parts=parts, rest="*{} more*", footer="end"
    )
    assert len(told.body.encode()) <= MOST
    assert told.body.endswith("*25 more*\n\nend")


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ("{}", "issue"),
        ('{"report": "issue"}', "issue"),
        ('{"report": "check"}', "check"),
        ('{"report": "none"}', "none"),
        ('{"report": "by pigeon"}', "issue"),
        ('{"report": ["none"]}', "issue"),
        ("[]", "issue"),
        ("", "issue"),
        ("{", "issue"),
    ],
)
def test_the_maintainers_choose_where_they_read_it(settings: str, way: str) -> None:
    hosted = Hosted(id=7, installation=9, name="acme/shop", settings=settings)
    kinds = [job.kind for job in report_jobs(hosted, "c" * 40, gap_report(FACTS, [gap()]))]
    assert kinds == ([] if way == "none" else [way])


def test_as_a_check_run_each_gap_stands_beside_its_line() -> None:
    check = check_of(gap_report(FACTS, [gap()]), "c" * 40)
    assert (check.conclusion, check.title) == ("neutral", "1 bug that no test would notice")
    [one] = check.annotations
    assert isinstance(one, CheckAnnotation)
    assert (one.path, one.start_line) == (PATH, 2)
    assert "+    return max(items)" in one.message


def test_what_was_joined_only_to_try_it_is_no_result() -> None:
    alone, gone = (replace(bug(), tree=name) for name in "ab")
    kept, tried = (replace(bug(strategy="combine"), tree=name) for name in "cd")
    verdicts = {one.id: verdict_on(one) for one in (alone, kept, tried)}
    verdicts[gone.id] = verdict_on(gone, reason="no-test-failed")

    found = yields([alone, gone, kept, tried], verdicts, {alone.id, kept.id})

    assert found == (
        Yield(strategy="combine", judged=1, valid=1, unnoticed=0),
        Yield(strategy="procedural", judged=2, valid=1, unnoticed=1),
    )


# --- environments that cannot be built ---


def test_why_no_environment_could_be_built_is_told_with_the_way_out() -> None:
    tried = [Tried(plan="extra 'test'", reason="install-failed", why="`pq` cannot be built")] * 2
    body = make_unbuilt_report(HOSTED, "d" * 40, tried).body
    assert body.count("**install-failed**") == 1
    assert "/bugfoundry retry" in body
    assert ".github/bugfoundry.yml" in body
    assert f"`{'c' * 12}` goes on serving" in body


def test_where_no_plan_could_be_made_that_is_told() -> None:
    assert "neither packaging nor tests" in make_unbuilt_report(HOSTED, "d" * 40, []).body


# --- guards ---


def guards(**changed: object) -> Guards:
    given = {"head": "h" * 40, "commit": "c" * 40, "merged": True, "reason": "valid"}
    return Guards(**given | changed)  # type: ignore[arg-type]


def test_the_tests_that_guard_a_fix_are_listed() -> None:
    check = guards_check(guards(tests=("tests/test_a.py::test_x",), others=27, undone=0.8))
    assert (check.head_sha, check.conclusion) == ("h" * 40, "success")
    assert check.title == "1 test guards this fix"
    assert check.text == "- `tests/test_a.py::test_x`"
    assert "1 test fails" in check.summary
    assert "27 others go on passing" in check.summary
    assert "80% of it" in check.summary


def test_tests_that_fail_in_company_alone_are_told_beside_the_guards() -> None:
    check = guards_check(guards(tests=("t::a", "t::b", "t::c"), others=5, spilled=28))
    assert check.title == "3 tests guard this fix"
    assert "3 tests fail when" in check.summary
    assert "another 28 fail; run alone, they pass" in check.summary


def test_a_fix_that_nothing_guards_is_told_and_fails_nobody() -> None:
    check = guards_check(guards(reason="no-test-failed"))
    assert (check.title, check.conclusion) == ("No test guards this fix", "neutral")
    assert "No test failed" in check.summary


def test_an_open_pull_request_is_told_where_it_was_undone() -> None:
    check = guards_check(guards(merged=False, tests=("t::a", "t::b"), others=1))
    assert check.title == "2 tests guard this fix"
    assert "at its own head" in check.summary


@pytest.mark.parametrize("reason", ["timeout", "breaks-everything", "spilled", "unstable"])
def test_what_tells_nothing_is_said_to_tell_nothing(reason: str) -> None:
    check = guards_check(guards(reason=reason))
    assert check.conclusion == "neutral"
    assert check.title == "It cannot be told which tests guard this fix"
    assert reason in check.summary


def test_what_could_not_be_undone_is_told_with_the_reason() -> None:
    check = guards_check(guards(judged=False, reason="it changes no source file"))
    assert check.title == "The fix could not be undone"
    assert "it changes no source file" in check.summary


@given(st.lists(ANYTHING, max_size=60))
def test_names_of_tests_are_bounded_and_do_nothing(tests: list[str]) -> None:
    many = tuple(f"{test * 20} {n}" for n in range(30) for test in tests)
    check = guards_check(guards(tests=many))
    assert len(check.text.encode()) <= MOST
    assert "@" not in outside_code(check.text)
