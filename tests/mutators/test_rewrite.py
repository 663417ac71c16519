"""Bodies that a model writes anew: without seeing the old one, and in its place alone."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import pytest

from llm.client import Model
from mutators.model.bodies import body_splice
from mutators.model.definitions import Definition, body_range
from mutators.model.project import ProjectView
from mutators.model.questions import Counts
from mutators.model.rewrite import REWRITE, accepts, hidden_lines
from storage.records import Bug
from tests.furniture.messages_api import Scripted, Service, messages_api
from tests.furniture.models import model
from tests.mutators.shelf import CLAMP, FILES, OWN, PATH, SOURCE, after, bodies, told

HEAD, BODY = CLAMP.split("    # Ends that are", 1)
BODY = "    # Ends that are" + BODY
NEW = "    if value < low:\n        return low\n    return high if value > high else value\n"


async def ask(
    asked: Model, files: dict[str, bytes] = FILES, **how: Any
) -> tuple[list[Bug], Counts]:
    counts = Counts()
    how = {"seed": 1, "max_bugs": None} | how
    bugs = [bug async for bug in REWRITE.bugs("tree", files, {}, model=asked, counts=counts, **how)]
    return bugs, counts


async def rewrite(
    *answers: Any, budget: float = 1.0, files: dict[str, bytes] = FILES, **how: Any
) -> tuple[list[Bug], Counts, Service]:
    async with messages_api(*answers) as service:
        bugs, counts = await ask(model(service, budget=budget), files, **how)
    return bugs, counts, service


async def test_the_body_is_replaced_and_nothing_else() -> None:
    (bug,), counts, _ = await rewrite(bodies(NEW))
    assert after(bug) == SOURCE.replace(BODY.encode(), NEW.encode())
    origin = bug.origin
    assert (origin.strategy, origin.operator) == ("rewrite", "")
    assert (origin.path, origin.entity, origin.seed) == (PATH, "clamp", 1)
    assert (counts.asked, counts.answered, counts.proposed) == (1, 1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        "\n\nif value < low:\n    return low\nreturn high if value > high else value\n\n",
        NEW.replace("    ", "\t"),
        '    """Bring it there."""\n' + NEW,
        '    """Bring it\n  there.\n"""\n\n' + NEW,
        NEW.replace("\n", "\r\n"),
    ],
)
async def test_a_body_is_indented_and_its_docstring_left_out(answer: str) -> None:
    (bug,), _, _ = await rewrite(bodies(answer))
    tabs = answer.startswith("\t")
    expected = NEW.replace("        return low", "    \treturn low") if tabs else NEW
    assert after(bug) == SOURCE.replace(BODY.encode(), expected.encode())


async def test_a_text_over_several_lines_stays_what_it_is() -> None:
    body = 'text = """a\n  b\nc"""\nreturn text\n'
    (bug,), _, _ = await rewrite(bodies(body))
    assert b'    text = """a\n  b\nc"""\n    return text\n' in after(bug)


async def test_lines_end_as_those_of_the_file() -> None:
    files = {PATH: SOURCE.replace(b"\n", b"\r\n")}
    (bug,), _, _ = await rewrite(bodies(NEW), files=files)
    found = after(bug, files)
    assert found == SOURCE.replace(BODY.encode(), NEW.encode()).replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("not-a-body", CLAMP),
        ("not-a-body", "def clamp(value, low, high, *, strict=False):\n    return value\n"),
        ("not-a-body", "\n\n"),
        ("not-a-body", "    return value\nreturn 1\n"),
        ("edits-do-not-parse", "return (value"),
        ("edits-do-not-parse", 'return """value'),
        ("edits-change-nothing", BODY),
        ("edits-change-nothing", BODY.replace("    # Ends that are the wrong way", "    # The")),
        ("edits-give-away", "# TODO: strict\nreturn max(low, min(value, high))\n"),
        ("edits-give-away", "return value  # deliberately wrong\n"),
        ("edits-change-nothing", "return await value\n"),
    ],
)
async def test_what_is_no_honest_body_is_refused(reason: str, body: str) -> None:
    bugs, counts, _ = await rewrite(bodies(body))
    assert bugs == []
    assert counts.refused == {reason: 1}


async def test_a_body_that_would_reach_beyond_its_function_is_refused() -> None:
    files = {**FILES, PATH: SOURCE.replace(b"\n\ndef after(", b'\n\n# """\n\n\ndef after(')}
    bugs, counts, _ = await rewrite(bodies('return value\n"""'), files=files)
    assert (bugs, counts.refused) == ([], {"edits-outside": 1})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I would rather not.", "model-refused"),
        ({"bodies": []}, "malformed-answer"),
        (Scripted(content=bodies(NEW), stop_reason="max_tokens"), "malformed-answer"),
    ],
)
async def test_what_is_no_answer_is_counted(answer: Any, reason: str) -> None:
    bugs, counts, _ = await rewrite(answer)
    assert (bugs, counts.refused, counts.ended) == ([], {reason: 1}, "")


async def test_a_spent_budget_and_a_service_that_refuses_end_it() -> None:
    bugs, counts, service = await rewrite(budget=0.01)
    assert (bugs, counts.ended, service.asked) == ([], "budget", [])
    bugs, counts, _ = await rewrite(401)
    assert (bugs, counts.ended) == ([], "model-failed")


async def test_several_bodies_of_a_call_are_several_bugs() -> None:
    other = NEW.replace("value < low", "value <= low")
    bugs, _, service = await rewrite(bodies(NEW, other, NEW), candidates=3)
    assert len(bugs) == 2
    assert "3 times" in told(service.asked[0])


async def test_what_was_answered_is_not_paid_again_and_gives_the_same_bugs() -> None:
    async with messages_api(bodies(NEW)) as service:
        asked = model(service)
        first, _ = await ask(asked)
        again, _ = await ask(asked)
    assert first == again
    assert len(first) == len(service.asked) == 1


async def test_the_body_is_not_shown_and_what_is_around_it_is() -> None:
    _, _, service = await rewrite(bodies(NEW))
    text = told(service.asked[0])
    for line in BODY.splitlines():
        assert line.strip() not in text
    for there in (HEAD.rstrip(), "strict=True)", "[clamp(value, low, high) for", 'FORMAT = "'):
        assert there in text
    outside = re.sub(r"(?s)<data-([0-9a-f]{16})>\n.*?\n</data-\1>", "", text)
    for foreign in ("SYSTEM", "clamp", "data-0123", "shop", "low"):
        assert foreign not in outside


def test_no_line_of_any_body_is_in_what_is_asked_about_it() -> None:
    asks = REWRITE.plan_questions(OWN, seed=2, max_bugs=None)
    project = ProjectView(OWN)
    known = [d for path in project.files for d in project.definitions(path) if accepts(d)]
    assert len(known) * 0.8 < len(asks) <= len(known)
    for ask_ in asks:
        text = ask_.prompt.split("The function, of", 1)[1]
        (definition,) = [d for d in known if is_named(d, text)]
        shown = {line.strip() for part in (*ask_.shared, ask_.prompt) for line in part.split("\n")}
        assert not hidden_lines(definition) & shown


def is_named(definition: Definition, text: str) -> bool:
    """Say whether a prompt asks about a definition."""
    where = f"{definition.source.path}: {definition.name}\n"
    return where in text and definition.head.decode() in text


async def test_most_of_what_is_read_comes_from_the_cache() -> None:
    async with messages_api(bodies("    return None\n"), repeat=True) as service:
        bugs, counts = await ask(model(service, budget=50.0), OWN, max_bugs=60)
    assert len(bugs) == 60
    rest, files = [], set()
    for request, usage in service.bills:
        own = request["messages"][0]["content"][1]["text"]
        if own in files:
            rest.append(usage)
        files.add(own)
    read = sum(usage["cache_read_input_tokens"] for usage in rest)
    total = sum(usage["input_tokens"] + usage["cache_creation_input_tokens"] for usage in rest)
    assert read / (read + total) > 0.7
    assert counts.asked >= 60


def test_a_body_that_is_what_it_was_leaves_the_file_as_it_was() -> None:
    project = ProjectView(OWN)
    for path, data in project.files.items():
        for definition in project.definitions(path):
            if accepts(definition):
                start, end = body_range(definition) or (0, 0)
                body = data[start:end].decode()
                for answer in (body, dedent(body)):
                    assert body_splice(definition, answer).apply(data) == data
