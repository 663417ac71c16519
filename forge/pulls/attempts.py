"""What an attempt to undo a pull request was made by: whether another one could do more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mirror.undo.undo import RULES
from storage.records import Issue, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """The ways of one attempt: a merge, and a model's after it where a model is named."""

    rules: str
    base: str
    """Commit before the fix."""
    model: str = ""
    texts_digest: str = ""
    """Of the issues that the model reads; empty where no model is asked."""

    @property
    def asks_model(self) -> bool:
        # Not by the name: a server of one's own may serve a model that has none.
        return bool(self.texts_digest)

    def covers(self, planned: Attempted) -> bool:
        """Say whether this attempt did all that a planned one would."""
        if not planned.asks_model:
            # A model is asked only after a merge, so every attempt has merged. By the same rules
            # and from the same base, another merge gives the same.
            return (self.rules, self.base) == (planned.rules, planned.base)
        return self == planned

    def format(self) -> str:
        """Return the text by which the store keeps it."""
        # Old stores hold the space at the end of a merge's text too.
        return f"{self.rules} {self.base} " + (
            f"{self.model} {self.texts_digest}" if self.asks_model else ""
        )


def parse_attempted(text: str) -> Attempted | None:
    """Read the text of the store; None where it is empty (no attempt settled anything) or foreign.

    The name of a model may have spaces; the rules, the base and the digest have none.
    """
    rules, _, rest = text.partition(" ")
    base, _, asked = rest.partition(" ")
    model, _, texts = asked.rpartition(" ")
    found = Attempted(rules=rules, base=base, model=model, texts_digest=texts)
    # What would be written otherwise is not ours: it is tried again rather than passed over.
    return found if found.format() == text else None


def plan_merge(base: str) -> Attempted:
    """Return what a merge by today's rules is."""
    return Attempted(rules=RULES, base=base)


def plan_model(base: str, model: str, issues: Iterable[Issue]) -> Attempted:
    """Return what asking a model is, after a merge by today's rules.

    It reads the issues: with other words it may do what it could not before.
    """
    texts = (text for issue in issues for text in (issue.title, issue.body))
    return Attempted(rules=RULES, base=base, model=model, texts_digest=digest(*texts))
