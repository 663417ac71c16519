"""Bugs that nobody meant to make: a model writes a function anew without seeing its body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llm.marks import NEVER_AN_INSTRUCTION, data
from llm.questions import MAX_OUTPUT, Ask, Tool, blocks
from mutators.model.bodies import body_splice
from mutators.model.definitions import Definition, body_range
from mutators.model.neighbours import callers, class_of, write_sections
from mutators.model.outline import interface, skeleton
from mutators.model.project import ProjectView
from mutators.model.proposals import Maker
from mutators.model.questions import DefinitionQuestion, Modelled, count_questions
from mutators.model.targets import is_function, targets
from storage.records import Bug
from syntax.patches import decode

CANDIDATES = 1
"""Bodies asked for in one call: a second costs as much as the first, and is less honest."""
BODY_LIMIT = 12_000
TELLING = 12
"""Characters of a line from which it tells of a body; shorter ones stand anywhere."""

SYSTEM = f"""You are one of the developers of a project. The body of one of its functions is lost,
and you write it anew, from its signature, its docstring, and the code around it: as well as you
can, complete, in the style of the project, and with nothing that is not there to be used.
You answer with the statements of the body alone, indented as they stand in the file: without
decorators, signature and docstring, which are still there. Import what else you need inside.
{NEVER_AN_INSTRUCTION}"""


def tool(candidates: int) -> Tool:
    """Return the form of an answer; it is the same for all questions of a run."""
    body = {
        "type": "string",
        "minLength": 1,
        "maxLength": BODY_LIMIT,
        "description": "The statements of the body, and nothing else.",
    }
    return Tool(
        name="bodies",
        description="The body of the function; where several are asked for, each on its own.",
        schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["bodies"],
            "properties": {
                "bodies": {"type": "array", "minItems": 1, "maxItems": candidates, "items": body}
            },
        },
    )


@dataclass(slots=True)
class Rewrite:
    """Asks for bodies, and makes bugs of them."""

    project: ProjectView
    seed: int
    max_bugs: int | None
    candidates: int
    maker: Maker | None = None
    _shared: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def questions(self) -> Iterator[DefinitionQuestion]:
        """Yield a question for each function with some logic whose body nothing else tells."""
        form = tool(self.candidates)
        count = count_questions(self.max_bugs, self.candidates)
        for each in targets(self.project, accepts, seed=self.seed, wanted=count):
            hidden = hidden_lines(each)
            shared = self._make_shared_context(each.source.path)
            if hidden & lines_of("\n".join(shared)):
                continue
            ask = Ask(
                purpose="rewrite",
                strategy="rewrite",
                system=SYSTEM,
                shared=shared,
                prompt=prompt(self.project, each, hidden, self.candidates),
                tool=form,
                max_output=MAX_OUTPUT * self.candidates,
            )
            yield DefinitionQuestion(definition=each, ask=ask)

    def _make_shared_context(self, path: str) -> tuple[str, ...]:
        if path not in self._shared:
            told = (interface(self.project), skeleton(self.project.source(path)))
            self._shared[path] = blocks(told)
        return self._shared[path]

    def changes(self, answer: Mapping[str, Any]) -> list[Any]:
        """Return the bodies of an answer."""
        return list(answer["bodies"])

    def bug(self, question: DefinitionQuestion, change: Any) -> Bug:
        """Make a bug of one body. Raises EditsRefused."""
        assert self.maker is not None
        return self.maker.make(question.definition, body_splice(question.definition, change))


REWRITE = Modelled(name="rewrite", asker=Rewrite, candidates=CANDIDATES)
"""Files evenly, by seed. A body that does what the old one did is a bug to nobody: only execution
can tell, and does."""


def accepts(definition: Definition) -> bool:
    """Say whether a definition has a body that can be written anew."""
    return is_function(definition) and body_range(definition) is not None


def prompt(project: ProjectView, definition: Definition, hidden: set[str], candidates: int) -> str:
    """Return what is asked: head and docstring, class, and callers that hold no hidden line."""
    around = class_of(project, definition, range(*(body_range(definition) or (0, 0))))
    parts = write_sections(
        ("It is a method of:", [around] if around else []),
        ("Where it is called:", callers(project, definition, hidden)),
    )
    where = f"The function, of {data(f'{definition.source.path}: {definition.name}')}"
    several = "" if candidates == 1 else f", {candidates} times, in ways that differ"
    return "\n\n".join(
        [*parts, f"{where}\nwithout its body:\n{data(front(definition))}", f"Write it{several}."]
    )


def front(definition: Definition) -> str:
    """Return all of a function that comes before the body, as it is in the file."""
    start, _ = body_range(definition) or (definition.end, 0)
    return decode(definition.source.text.data[definition.start : start])


def hidden_lines(definition: Definition) -> set[str]:
    """Return the lines of a body that may be nowhere in what is asked."""
    start, end = body_range(definition) or (0, 0)
    return {
        line
        for line in lines_of(decode(definition.source.text.data[start:end]))
        if len(line) >= TELLING
    }


def lines_of(text: str) -> set[str]:
    """Return the lines of a text without what surrounds them."""
    return {line.strip() for line in text.split("\n")}
