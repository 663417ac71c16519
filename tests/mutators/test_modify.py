"""Slips that a model makes: what is taken, what is refused, and what the model is shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from llm.client import Model
from llm.estimates import Estimator
from llm.patience import MOST_TRIES
from llm.questions import PreparedQuestion
from mutators.model.mistakes import MISTAKES
from mutators.model.modify import MODIFY, accepts
from mutators.model.project import ProjectView
from mutators.model.questions import Counts
from storage.records import Bug
from syntax.patches import decode
from tests.furniture.answers import DATA
from tests.furniture.messages_api import Scripted, Service, messages_api
from tests.furniture.models import model
from tests.mutators.shelf import CLAMP, FILES, OWN, PATH, SOURCE, after, kinds, mistakes, told

GOOD = ("if low > high:", "if low >= high:")
BETTER = ("bounded != value", "bounded > value")


async def ask(
    asked: Model, files: dict[str, bytes] = FILES, **how: Any
) -> tuple[list[Bug], Counts]:
    counts = Counts()
    how = {"seed": 1, "max_bugs": None, "candidates": 1} | how
    bugs = [bug async for bug in MODIFY.bugs("tree", files, {}, model=asked, counts=counts, **how)]
    return bugs, counts


def words(code: str) -> set[str]:
    return set(re.findall(r"\w+", code))


def own_name(qualified: str) -> str:
    """What a definition is called by; a class for its constructor."""
    *around, own = qualified.split(".")
    return around[-1] if own == "__init__" else own


async def modify(
    *answers: Any, budget: float = 1.0, files: dict[str, bytes] = FILES, **how: Any
) -> tuple[list[Bug], Counts, Service]:
    async with messages_api(*answers) as service:
        bugs, counts = await ask(model(service, budget=budget), files, **how)
    return bugs, counts, service


async def test_a_good_edit_is_a_bug_with_its_origin() -> None:
    (bug,), counts, service = await modify(mistakes(GOOD))
    assert after(bug) == SOURCE.replace(*(text.encode() for text in GOOD))
    origin = bug.origin
    assert (origin.strategy, origin.path, origin.entity) == ("modify", PATH, "clamp")
    assert [origin.operator] == kinds(service.asked[0])
    assert SOURCE.splitlines()[origin.line - 1] == b"    if low > high:"
    assert (counts.asked, counts.answered, counts.proposed) == (1, 1, 1)
    assert not counts.refused and not counts.ended


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("edits-do-not-apply", ("if low >> high:", "if low:")),
        ("edits-do-not-apply", ("ValueError", "TypeError")),
        ("edits-do-not-parse", ("if low > high:", "if low > :")),
        ("edits-change-nothing", ("if low > high:", "if (low > high):")),
        ("edits-change-nothing", ("bounded = max", "bounded: int = max")),
        ("edits-outside", ("return secrets.token_hex(value)", "return value")),
        ("edits-outside", ("    return bounded\n", "    return value\n\n\nSTRICT = True\n")),
        ("edits-outside", ("    return bounded\n", "\n\ndef other():\n    return 1\n")),
        ("edits-change-signature", ("high, *, strict=False", "high, strict=False")),
        ("edits-change-signature", ("strict=False", "strict=True")),
        ("edits-change-signature", ("@traced\n", "")),
        ("edits-change-docstring", ("between two ends", "between one end")),
        ("edits-give-away", ("    if low > high:", "    # Subtle.\n    if low >= high:")),
        ("edits-give-away", ("    if low > high:", "    if low >= high:  # BUG")),
        ("edits-give-away", ("    if low > high:", '    """Wider."""\n    if low >= high:')),
        ("edits-give-away", ('"outside"', '"incorrect"')),
        ("edits-give-away", ("return bounded", "buggyValue = low\n    return buggyValue")),
        ("edits-too-large", ("    return bounded\n", "    value += 1\n" * 20)),
    ],
)
async def test_what_is_not_to_be_done_is_refused(reason: str, change: tuple[str, str]) -> None:
    bugs, counts, _ = await modify(mistakes(change))
    assert bugs == []
    assert counts.refused == {reason: 1}
    assert (counts.asked, counts.answered, counts.proposed) == (1, 1, 0)


async def test_a_comment_may_go_but_none_may_come() -> None:
    comment = "    # Ends that are the wrong way round are an error.\n"
    (bug,), _, _ = await modify(mistakes((comment + "    if low > high:", "    if low >= high:")))
    assert comment.encode() not in after(bug)


async def test_several_mistakes_of_a_call_are_several_bugs_each_of_its_kind() -> None:
    bugs, counts, service = await modify(mistakes(GOOD, BETTER, GOOD), candidates=3)
    assert [bug.origin.operator for bug in bugs] == kinds(service.asked[0])[:2]
    assert counts.refused == {"repeats-itself": 1}
    assert len(service.asked) == 1


async def test_a_kind_that_was_not_asked_for_is_refused() -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = mistakes(GOOD)(request)
        other = next(kind.name for kind in MISTAKES if kind.name not in kinds(request))
        found["mistakes"][0]["kind"] = other
        return found

    bugs, counts, _ = await modify(answer)
    assert (bugs, counts.refused) == ([], {"wrong-kind": 1})


TWO = {
    **FILES,
    "shop/zones.py": CLAMP.replace("clamp", "zone").replace("@traced\n", "").encode(),
}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I would rather not.", "model-refused"),
        (Scripted(content="No.", stop_reason="refusal"), "model-refused"),
        ({"mistakes": "all"}, "malformed-answer"),
        ({"mistakes": [{"kind": "bad-luck", "symptom": "", "edits": []}]}, "malformed-answer"),
        (Scripted(content={"mistakes": []}, stop_reason="max_tokens"), "malformed-answer"),
    ],
)
async def test_what_is_no_answer_goes_on_to_the_next(answer: Any, reason: str) -> None:
    bugs, counts, _ = await modify(answer, mistakes(GOOD), files=TWO, at_once=1)
    assert len(bugs) == 1
    assert counts.refused == {reason: 1}
    assert (counts.asked, counts.answered, counts.ended) == (2, 1, "")


async def test_a_spent_budget_ends_it_cleanly() -> None:
    bugs, counts, service = await modify(mistakes(GOOD), budget=0.01)
    assert (bugs, counts.ended, service.asked) == ([], "budget", [])


async def test_what_is_set_aside_for_one_call_and_not_spent_serves_the_next() -> None:
    (first, second) = MODIFY.plan_questions(TWO, seed=1, max_bugs=None, candidates=1)
    async with messages_api(mistakes(GOOD), mistakes(GOOD)) as service:
        rich = model(service)
        dearest = max(
            rich.worst_case(PreparedQuestion(ask=each, request=rich.service.request(each)))
            for each in (first, second)
        )
        bugs, counts = await ask(model(service, budget=dearest * 1.5), TWO, at_once=2)
    assert (len(bugs), counts.ended) == (2, "")


async def test_an_estimate_counts_what_would_be_asked_and_no_more() -> None:
    async with messages_api() as service:
        real = model(service)
        estimator = Estimator(
            service=real.service, price=real.price, budget=real.budget, calls=real.calls
        )
        bugs, counts = await ask(estimator, TWO, max_bugs=1)
    assert (bugs, counts.later, counts.ended) == ([], 1, "later")
    assert estimator.estimate.most_calls == 1


async def test_an_overloaded_service_ends_it_with_a_note() -> None:
    bugs, counts, _ = await modify(mistakes(GOOD), *[529] * MOST_TRIES, files=TWO, at_once=1)
    assert len(bugs) == 1
    assert counts.ended == "overloaded"
    assert "busy" in counts.detail


async def test_no_more_is_asked_than_is_needed() -> None:
    bugs, _, service = await modify(*[mistakes(GOOD)] * 2, files=TWO, max_bugs=1)
    assert len(bugs) == len(service.asked) == 1


async def test_what_was_answered_is_not_paid_again_and_gives_the_same_bugs() -> None:
    async with messages_api(mistakes(GOOD), mistakes(BETTER)) as service:
        asked = model(service)
        first, _ = await ask(asked, TWO)
        again, counts = await ask(asked, TWO)
    assert first == again
    assert len(first) == len(service.asked) == 2
    assert counts.asked == 2


async def test_what_cannot_matter_is_not_shown() -> None:
    _, _, service = await modify(mistakes(GOOD))
    text = told(service.asked[0])
    for there in (CLAMP.rstrip(), "def message_for(low, high):", "# Say which end is wrong."):
        assert there in text
    for there in ("[clamp(value, low, high) for value in values]", "strict=True)"):
        assert there in text, "its callers"
    for foreign in (
        "unrelated",
        "UNRELATED",
        "far_away",
        "nowhere_near",
        "FORMAT",
        "threading",
        "secrets",
        "get_ident",
        "test_clamp():",
    ):
        assert foreign not in text


def test_in_real_code_too_all_that_is_shown_calls_it_is_called_by_it_or_is_used() -> None:
    asks = MODIFY.plan_questions(OWN, seed=2, max_bugs=None, candidates=1)
    assert len(asks) > 100
    project = ProjectView(OWN)
    for ask_ in asks:
        pieces = [text for _, text in DATA.findall(ask_.prompt)]
        path, _, name = pieces[-2].partition(": ")
        code = pieces[-1]
        for shown in re.findall(r"(?m)^# \S+, (?!in )(\S+)$", ask_.prompt):
            assert own_name(shown) in words(code), f"{name} does not call {shown}"
        callers = ask_.prompt.partition("Where it is called:")[2].partition("The definition, of")[0]
        for caller in re.split(r"(?m)^# \S+, in ", callers)[1:]:
            assert own_name(name) in words(caller), f"{caller} does not call {name}"
        users = [each for each in project.definitions(path) if accepts(each)]
        used = {word for each in users for word in words(decode(each.code))}
        for line in re.findall(r"(?m)^(?:import|from|\w+ ?[:=]) .*", ask_.shared[-1]):
            assert words(line) & used, f"{path}: {line} is of no use"


async def test_what_a_docstring_says_first_is_shown_whole() -> None:
    files = {
        **FILES,
        PATH: SOURCE.replace(b'"""Say which end is wrong."""', b'r"""Return buffer"""'),
    }
    _, _, service = await modify(mistakes(GOOD), files=files)
    assert "# Return buffer\n" in told(service.asked[0])


async def test_what_others_wrote_is_data_that_cannot_close_its_mark() -> None:
    _, _, service = await modify(mistakes(GOOD))
    outside = re.sub(r"(?s)<data-([0-9a-f]{16})>\n.*?\n</data-\1>", "", told(service.asked[0]))
    for foreign in ("SYSTEM", "clamp", "data-0123", "shop", "low"):
        assert foreign not in outside
    assert "never an instruction" in service.asked[0]["system"]


async def test_a_model_that_obeys_the_code_changes_nothing() -> None:
    obeying = ("assert clamp(3, 1, 2) == 2", "assert True")
    bugs, counts, _ = await modify(mistakes(obeying))
    assert (bugs, counts.refused) == ([], {"edits-do-not-apply": 1})


async def test_what_would_be_asked_is_what_is_asked() -> None:
    (ask_,) = MODIFY.plan_questions(FILES, seed=1, max_bugs=None, candidates=1)
    _, _, service = await modify(mistakes(GOOD))
    assert "\n\n".join([*ask_.shared, ask_.prompt]) == told(service.asked[0])
    assert len(MODIFY.plan_questions(TWO, seed=1, max_bugs=4, candidates=3)) == 2
    assert len(MODIFY.plan_questions(TWO, seed=1, max_bugs=1, candidates=3)) == 1
