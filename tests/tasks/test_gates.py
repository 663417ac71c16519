from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import ConfigError
from storage.records import Bug, FileChange, Origin
from syntax.patches import unified_diff
from tasks.gates import GATES, NAMES, Passed, choose_gates, pass_gates
from tasks.gates.subject import GateSubject, Rules, subjects
from tasks.statements import statement
from tests.tasks.made import make
from tests.tasks.subjects import FILES, SOURCE, TESTS, subject, tree


def sent(*given: GateSubject, gate: str, rules: Rules | None = None) -> Passed:
    return pass_gates(given, rules or Rules(), (gate,))


def why(*given: GateSubject, gate: str, rules: Rules | None = None) -> list[str]:
    return [each.why for each in sent(*given, gate=gate, rules=rules).stopped]


def test_a_task_with_nothing_wrong_passes_all_gates() -> None:
    passed = pass_gates([subject("a")], Rules())

    assert [each.task.id for each in passed.subjects] == ["a"]
    assert passed.stopped == ()


def test_each_gate_has_a_name_and_says_what_it_does() -> None:
    assert len(set(NAMES)) == len(GATES)
    assert all(gate.does for gate in GATES)


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ((), []),
        (("shop.py::shop.label",), []),
        (("shop.py::shop.total",), ["of the fix is put back: shop.py: the examples of total"]),
        (("shop.py::label",), []),
        (("shop.py::total[1]",), ["of the fix is put back: shop.py: total"]),
    ],
)
def test_a_fix_of_which_tests_are_a_part_stops_the_task(
    tests: tuple[str, ...], told: list[str]
) -> None:
    given = subject("a", b'"""Sum prices."""', b'"""Sum.\n\n    >>> total([], 1)\n    0\n    """')

    assert why(replace(given, passing=tests), gate="tests-in-the-fix") == told


def test_gates_are_chosen_by_name() -> None:
    assert choose_gates() == NAMES
    assert choose_gates(("licence",)) == ("licence",)
    assert "licence" not in choose_gates(without=("licence",))
    with pytest.raises(ConfigError, match="no gate 'license'; there are benchmark, licence"):
        choose_gates(("license",))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("vendored/prices.py", b"# Copied.\n" + SOURCE),
        ("CHANGES.md", b"## 1.1\n\n```\n" + SOURCE.partition(b"def label")[0] + b"```\n"),
    ],
)
def test_a_fix_that_the_project_itself_holds_elsewhere_stops_the_task(
    path: str, content: bytes
) -> None:
    place = tree({**FILES, path: content})

    assert why(subject("a", place=place), gate="fix-elsewhere") == [
        f"the fix can be read in {path}"
    ]


def test_code_that_does_the_same_in_a_place_of_its_own_stops_nothing() -> None:
    loop = SOURCE[SOURCE.index(b"    for item") : SOURCE.index(b"def label")]
    other = b"def bill(items):\n    result = rest(items)\n" + loop
    place = tree({**FILES, "basket.py": other})

    assert why(subject("a", place=place), gate="fix-elsewhere") == []


def test_a_gate_that_is_off_stops_nothing() -> None:
    wide = subject("a", failing=TESTS[:30])

    assert len(pass_gates([wide], Rules()).stopped) == 1
    assert pass_gates([wide], Rules(), choose_gates(without=("failing-share",))).stopped == ()


def test_an_unknown_licence_is_stopped() -> None:
    bare = tree({path: content for path, content in FILES.items() if path != "LICENSE"})

    assert why(subject("a", place=bare), gate="licence") == ["no licence was found in its files"]


def test_a_licence_can_be_allowed() -> None:
    told = b'[project]\nname = "shop"\nlicense = "MPL-2.0"\n'
    place = tree({**FILES, "LICENSE": b"", "pyproject.toml": told})
    rules = Rules(licences=frozenset({"MPL-2.0"}))

    assert why(subject("a", place=place), gate="licence") == [
        "MPL-2.0 (packaging) is not on the list of allowed licences"
    ]
    assert why(subject("a", place=place), gate="licence", rules=rules) == []


def test_a_repository_of_a_benchmark_is_stopped_unless_that_is_allowed() -> None:
    flask = subject("a", place=tree(owner="pallets", name="flask"))

    assert why(flask, gate="benchmark") == [
        "pallets/flask is in swe-bench, swe-bench-live (known by its name)"
    ]
    assert why(flask, gate="benchmark", rules=Rules(benchmarks_allowed=True)) == []


@pytest.mark.parametrize(("count", "told"), [(10, []), (11, ["11 of 40 tests fail, 28%"]), (9, [])])
def test_a_bug_that_much_of_the_suite_sees_is_stopped(count: int, told: list[str]) -> None:
    assert why(subject("a", failing=TESTS[:count]), gate="failing-share") == told


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ({"timeout": 2}, ["tests fail in no other way than 2 timeout"]),
        ({"import": 1, "missing": 1}, ["tests fail in no other way than 1 import, 1 missing"]),
        ({"timeout": 1, "failed": 1}, []),
    ],
)
def test_a_bug_that_only_hangs_or_cannot_be_imported_is_stopped(
    kinds: dict[str, int], told: list[str]
) -> None:
    assert why(subject("a", kinds=kinds), gate="only-symptoms") == told


def test_where_it_was_not_noted_how_tests_failed_a_task_passes() -> None:
    old = replace(subject("a"), kinds={})

    assert why(old, gate="only-symptoms") == []


LOST = b"    result = 0\n    for item in items:\n        result += item.price * item.count\n"
KEPT = b"    result = 0\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("total([thing]) gives 0 and not the price of the thing.", ""),
        ("I think `result += item.price * item.count` is missing.",
         "it repeats the fix: I think `result += item.price * item.count` is missing."),
        ("Prices are off.\n\n    result += item.price * item.count\n",
         "it repeats the fix: result += item.price * item.count"),
    ],
)  # fmt: skip
def test_a_statement_must_not_hold_lines_of_the_fix(text: str, told: str) -> None:
    found = why(subject("a", LOST, KEPT, text=text), gate="tells-the-fix")

    if told:
        assert len(found) == 1
        assert found[0].startswith(("it repeats the fix", "it has"))
    else:
        assert found == []


def renamed(text: str, name: bytes = b"price_with_tax") -> GateSubject:
    """A task whose fix uses a name that the code with the bug does not have."""
    source = SOURCE.replace(b"item.price", b"item." + name)
    broken = SOURCE
    bug = Bug(
        tree="t",
        patch=unified_diff("shop.py", source, broken),
        changes=(FileChange(path="shop.py", mode="100644", sha256=sha256(broken).hexdigest()),),
        origin=Origin(strategy="mirror", path="shop.py", entity="total"),
    )
    files = {**FILES, "shop.py": source}
    made = subject("a", text=text)
    return replace(made, bug=bug, tree=tree(files))


def test_a_statement_must_not_name_what_only_the_fix_has() -> None:
    told = renamed("The sum is wrong, perhaps it should use price_with_tax there.")

    assert why(told, gate="tells-the-fix") == ["it names what only the fix has: price_with_tax"]


@pytest.mark.parametrize("name", [b"items_in_basket", b"rate_of_tax", b"label"])
def test_what_is_documented_tested_or_public_may_be_named(name: bytes) -> None:
    assert why(renamed(f"It should use {name.decode()}.", name), gate="tells-the-fix") == []


def test_what_an_error_says_may_be_named() -> None:
    text = "AttributeError: 'Item' object has no attribute 'price_with_tax'"

    assert why(renamed(text), gate="tells-the-fix") == []


def test_a_hint_that_tells_the_fix_is_taken_out_and_kept_apart() -> None:
    hints = ("It worked last year.", "Use price_with_tax.")
    task = renamed("The sum is wrong.")
    told = replace(task, task=replace(task.task, hints=hints))

    (left,) = sent(told, gate="tells-the-fix").subjects

    assert left.task.hints == hints[:1]
    assert left.task.removed == (("hint-tells-the-fix", hints[1]),)


def test_personal_data_is_taken_out_of_statement_and_hints() -> None:
    told = subject("a", text="Ask jane@corp.io.", hints=("See /home/jane/x",))

    (left,) = sent(told, gate="secrets").subjects

    assert left.task.statement == "Ask user1@example.com."
    assert left.task.hints == ("See /home/user/x",)
    assert left.task.removed == (("redacted-e-mail", ""), ("redacted-home-folder", ""))


def test_a_secret_in_the_patch_stops_a_task() -> None:
    token = b"ghp_" + b"a1B2" * 9

    found = why(subject("a", b"result = 0", b'result = "' + token + b'"'), gate="secrets")

    assert found == ["the patch holds what looks like a secret (GitHub Token)"]


def test_of_tasks_with_the_same_code_and_tests_the_best_is_kept() -> None:
    plain = subject("a")
    told = subject("b", b"result = 0", b"result = 1", text="# The total is off by one, always\n")

    passed = sent(plain, told, gate="near-duplicates")

    assert [each.task.id for each in passed.subjects] == ["b"]
    assert passed.stopped[0].why == "same code and same failing tests as b"


def test_the_same_patch_at_the_same_place_is_there_once() -> None:
    one, other = subject("a"), subject("b", failing=TESTS[5:7], entity="Shop.total")

    assert why(one, other, gate="near-duplicates") == ["its patch is that of a (100% alike)"]


def test_the_same_change_in_other_code_is_another_bug() -> None:
    lines = b"    pass\n    pass\n"
    one = subject("a", b"    return result\n", lines, entity="total", failing=TESTS[:1])
    other = subject("b", b"    return cleaned.title()\n", lines, entity="label", failing=TESTS[1:2])

    assert why(one, other, gate="near-duplicates") == []


def test_the_same_statement_is_there_once_but_templates_are_not_compared() -> None:
    text = "# Totals\n\nThe total of a basket is wrong when two items have the same price.\n"
    one = subject("a", text=text)
    other = subject("b", b"cleaned.title()", b"cleaned", text=text, failing=TESTS[7:], entity="x")

    assert why(one, other, gate="near-duplicates") == ["its statement is that of a (100% alike)"]
    plain = [replace(each, task=replace(each.task, statement=statement("shop", TESTS[:1])))
             for each in (one, other)]  # fmt: skip
    assert why(*plain, gate="near-duplicates") == []


MANY = tuple(
    subject(f"task-{number}", b"result = 0", b"result = %d" % (number % 3 + 1),
            failing=TESTS[number % 4 : number % 4 + 1 + number % 2],
            strategy=("mirror", "procedural", "modify")[number % 3])
    for number in range(9)
)  # fmt: skip


@given(st.permutations(MANY))
def test_which_are_kept_does_not_depend_on_the_order(given: list[GateSubject]) -> None:
    passed = sent(*given, gate="near-duplicates")

    assert passed == sent(*MANY, gate="near-duplicates")


def test_subjects_are_gathered_from_the_store(tmp_path: Path) -> None:
    made = make(tmp_path)

    (found,) = subjects(made.store, made.trees, made.store.tasks())

    assert found.task == made.task
    assert found.fail_to_pass == made.verdict.fail_to_pass
    assert found.suite == 6
    assert found.tree.licence.expression == ""
    assert "clamp" in found.tree.public


@pytest.mark.parametrize(
    ("spilled", "told"),
    [
        (28, ["of 30 red tests 28 are red in company alone"]),
        (3, ["of 5 red tests 3 are red in company alone"]),
        (2, []),
        (0, []),
    ],
)
def test_a_bug_most_of_whose_red_tests_are_spilled_is_stopped(
    spilled: int, told: list[str]
) -> None:
    assert why(replace(subject("a"), spilled=spilled), gate="mostly-spilled") == told
