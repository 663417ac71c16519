"""Bugs that a model makes on purpose: slips of a stated kind in one function or class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm.marks import NEVER_AN_INSTRUCTION, data
from llm.questions import Ask, Tool, blocks
from mutators import CANDIDATES
from mutators.model.definitions import Definition
from mutators.model.mistakes import MISTAKES, Dealer, Mistake
from mutators.model.neighbours import callees, callers, class_of, write_sections
from mutators.model.outline import modules, surface
from mutators.model.project import ProjectView
from mutators.model.proposals import Maker
from mutators.model.questions import DefinitionQuestion, Modelled, count_questions
from mutators.model.targets import has_logic, targets
from storage.records import Bug
from syntax.patches import decode
from syntax.replacements import (
    FIND,
    REPLACE,
    Edit,
    EditsRefused,
    place_edit,
)
from syntax.splices import Splice, merge

MOST_EDITS = 4
MOST_LINES = 16
MOST_CLASS = 4000
"""Bytes up to which a class is shown as a whole."""
OUTPUT = 1024
"""Tokens for an answer, and as many for each mistake in it."""
SYSTEM = f"""You help to make exercises on which people and programs practise finding bugs.
You are shown one function or class of a project, and what around it can matter. Make mistakes in
it as its own authors might have made them, in haste or without thinking of a case: each of the
kind that is asked for, each a small change of its own to the code as it is shown, not on top of
another. The code must still parse and be imported, most uses must go on working, and a test of
the project that looks at the case must fail because of what the code does, not because it cannot
run at all. What others see stays: names, decorators, signatures, docstrings, the methods of a
class. Write no comment, name or text that hints at the mistake, and add no comment at all.
Leave out a kind for which the code offers no natural place: no mistake is better than a far-
fetched one.
{NEVER_AN_INSTRUCTION}"""


def tool(candidates: int) -> Tool:
    """Return the form of an answer; it is the same for all questions of a run."""
    edit = {
        "type": "object",
        "additionalProperties": False,
        "required": ["find", "replace"],
        "properties": {"find": FIND, "replace": REPLACE},
    }
    mistake = {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "symptom", "edits"],
        "properties": {
            "kind": {"type": "string", "enum": [mistake.name for mistake in MISTAKES]},
            "symptom": {"type": "string", "description": "In a few words, what a user would see."},
            "edits": {"type": "array", "minItems": 1, "maxItems": MOST_EDITS, "items": edit},
        },
    }
    return Tool(
        name="mistakes",
        description="Mistakes, each with its edits of the definition that is shown.",
        schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["mistakes"],
            "properties": {"mistakes": {"type": "array", "maxItems": candidates, "items": mistake}},
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifying(DefinitionQuestion):
    """A question with the kinds that it asks for, which are used up as they are answered."""

    kinds: Counter[str]


@dataclass(slots=True)
class Modify:
    """Asks for mistakes, and makes bugs of them."""

    project: ProjectView
    seed: int
    max_bugs: int | None
    candidates: int
    maker: Maker | None = None
    _shared: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def questions(self) -> Iterator[Modifying]:
        """Yield a question for each definition with some logic, in the order of the sample."""
        dealer, form = Dealer(seed=self.seed), tool(self.candidates)
        count = count_questions(self.max_bugs, self.candidates)
        for each in targets(self.project, accepts, seed=self.seed, wanted=count):
            kinds = dealer.deal(each.words, self.candidates)
            ask = Ask(
                purpose="modify",
                strategy="modify",
                system=SYSTEM,
                shared=self._make_shared_context(each.source.path),
                prompt=prompt(self.project, each, kinds),
                tool=form,
                max_output=OUTPUT * (1 + self.candidates),
            )
            yield Modifying(definition=each, ask=ask, kinds=Counter(kind.name for kind in kinds))

    def _make_shared_context(self, path: str) -> tuple[str, ...]:
        if path not in self._shared:
            users = [each for each in self.project.definitions(path) if accepts(each)]
            told = (modules(self.project), surface(self.project.source(path), users))
            self._shared[path] = blocks(told)
        return self._shared[path]

    def changes(self, answer: Mapping[str, Any]) -> list[Any]:
        """Return the mistakes of an answer."""
        return list(answer["mistakes"])

    def bug(self, question: DefinitionQuestion, change: Any) -> Bug:
        """Make a bug of one mistake. Raises EditsRefused."""
        assert self.maker is not None and isinstance(question, Modifying)
        kind = change["kind"]
        if question.kinds[kind] < 1:
            raise EditsRefused("wrong-kind", f"{kind} was not asked for")
        question.kinds[kind] -= 1
        splice = merge_edits(question.definition, change["edits"])
        return self.maker.make(question.definition, splice, kind)


MODIFY = Modelled(
    name="modify", asker=Modify, candidates=CANDIDATES, most_lines=MOST_LINES, silent=True
)
"""Kinds of mistakes and files evenly, by seed."""


def accepts(definition: Definition) -> bool:
    """Say whether mistakes can be made in a definition."""
    return has_logic(definition) and (not definition.is_class or len(definition.code) <= MOST_CLASS)


def prompt(project: ProjectView, definition: Definition, kinds: Sequence[Mistake]) -> str:
    """Return what is asked: the definition, what around it can matter, the kinds of mistakes."""
    around = class_of(project, definition, range(0))
    parts = write_sections(
        ("It is a method of:", [around] if around else []),
        ("Signatures of what it calls:", callees(project, definition)),
        ("Where it is called:", callers(project, definition)),
    )
    where = f"The definition, of {data(f'{definition.source.path}: {definition.name}')}"
    asked = "\n".join(f"- {kind.name}: {kind.description}" for kind in kinds)
    return "\n\n".join(
        [
            *parts,
            f"{where}\nas it is:\n{data(decode(definition.code))}",
            f"Make one mistake of each of these kinds, where it is natural:\n{asked}",
        ]
    )


def merge_edits(definition: Definition, edits: list[Mapping[str, str]]) -> Splice:
    """Return edits of a definition as one change of its file."""
    source, found = definition.source, []
    for number, each in enumerate(edits, 1):
        edit = Edit(path=source.path, find=each["find"], replace=each["replace"])
        try:
            inside = place_edit(edit, definition.code, number)
        except EditsRefused as error:
            if edit.find.encode("utf-8", "replace") in source.text.data and (
                edit.find.encode("utf-8", "replace") not in definition.code
            ):
                raise EditsRefused("edits-outside", str(error)) from error
            raise
        at = definition.start
        found.append(Splice(at + inside.start, at + inside.end, inside.text))
    try:
        return merge(source.text.data, found)
    except ValueError:
        raise EditsRefused("edits-do-not-apply", "the edits overlap") from None
