"""The kinds of mistakes that a model is asked to make: a taxonomy of what people get wrong.

Each kind joins a defect type of Orthogonal Defect Classification with the patterns in which such
mistakes were found in fixes; docs/mistakes.md names the sources and is checked against this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from syntax.languages import Word


@dataclass(frozen=True, slots=True)
class Mistake:
    """One kind: what the model is told, where it can be made, and where it is known from."""

    name: str
    description: str
    needs: frozenset[Word]
    """Code without any of these words offers no place for it; none are needed when empty."""
    defect: str
    """Its type in Orthogonal Defect Classification."""
    patterns: tuple[str, ...]
    """Of Pan et al. (as IF-CC), of Durães and Madeira (as MIFS), of TSSB-3M (in words)."""


def make_mistake(name: str, description: str, needs: str, defect: str, patterns: str) -> Mistake:
    """Write a row of the table."""
    words: list[Word] = needs.split()  # type: ignore[assignment]
    listed = tuple(pattern.strip() for pattern in patterns.split(","))
    return Mistake(name, description, frozenset(words), defect, listed)


MISTAKES: tuple[Mistake, ...] = (
    make_mistake(
        "wrong-condition",
        "A condition that is a little too wide or too narrow: a part of it is forgotten, joined "
        "wrongly, or compares the wrong thing.",
        "condition ternary loop boolean",
        "checking",
        "IF-CC, WLEC, MLAC, More Specific If, Less Specific If",
    ),
    make_mistake(
        "missing-check",
        "A guard that is forgotten: the case it turned away now runs on.",
        "condition",
        "checking",
        "IF-APC, MIFS, MIA",
    ),
    make_mistake(
        "missing-case",
        "One of several cases that is not thought of: a branch is gone, or handled as another.",
        "condition ternary handler",
        "algorithm",
        "IF-ABR, MIEB",
    ),
    make_mistake(
        "empty-and-missing",
        "Empty, zero, false and missing are taken for the same, or told apart where they are one.",
        "condition ternary boolean comparison",
        "checking",
        "IF-CC, Change Constant Type",
    ),
    make_mistake(
        "off-by-one",
        "A bound, an index, a slice or a count that is one too many or too few, at one end only.",
        "number slice comparison loop",
        "checking",
        "LP-CC, Change Numeric Literal",
    ),
    make_mistake(
        "wrong-variable",
        "A variable used in place of another of the same scope that holds something similar.",
        "assignment call loop",
        "assignment",
        "WPFV, Change Identifier Used",
    ),
    make_mistake(
        "wrong-attribute",
        "An attribute or method used in place of a similar one of the same object.",
        "attribute",
        "interface",
        "MC-DM, Change Attribute Used, Same Function Wrong Caller",
    ),
    make_mistake(
        "wrong-value",
        "A constant, default, flag or key that is not quite the right one.",
        "number string truth",
        "assignment",
        "AS-CE, WVAV, Change Boolean Literal, Change Numeric Literal",
    ),
    make_mistake(
        "wrong-call",
        "A function called in place of a similar one that takes the same arguments.",
        "call",
        "interface",
        "MC-DM, Wrong Function Name",
    ),
    make_mistake(
        "wrong-argument",
        "An argument that is not the one meant: swapped with another, or computed a little wrong.",
        "call",
        "interface",
        "MC-DAP, WAEP, Same Function Swap Args, Change Keyword Argument Used",
    ),
    make_mistake(
        "missing-argument",
        "An optional argument that is not passed on, so that a default takes its place.",
        "keyword call",
        "interface",
        "MC-DNP, Same Function More Args",
    ),
    make_mistake(
        "missing-call",
        "A step that is forgotten: a value is not converted, copied, stripped, sorted or closed.",
        "call",
        "algorithm",
        "SQ-AMO, MFC, Add Function Around Expression, Add Method Call",
    ),
    make_mistake(
        "wrong-operator",
        "An operator, a sign or a precedence that computes something near to what is meant.",
        "binary augmented unary boolean comparison",
        "algorithm",
        "WAEP, Change Binary Operator, Change Unary Operator, Change Binary Operand",
    ),
    make_mistake(
        "wrong-order",
        "Steps in the wrong order: something is used before it is updated, or updated too early.",
        "assignment augmented call",
        "timing",
        "MLPC",
    ),
    make_mistake(
        "stale-state",
        "State that is not set, not reset or not kept up to date, so that a second use goes wrong.",
        "assignment augmented",
        "assignment",
        "SQ-AFO, MVAV, MVIV",
    ),
    make_mistake(
        "shared-state",
        "An object that is changed or handed out where a copy was meant, or the other way round.",
        "call assignment",
        "assignment",
        "Add Function Around Expression",
    ),
    make_mistake(
        "wrong-loop",
        "A loop that stops early, skips an item, or gathers the wrong thing at its edges.",
        "loop",
        "algorithm",
        "LP-CC, MLPC",
    ),
    make_mistake(
        "wrong-exception",
        "An error that is caught too widely or too narrowly, swallowed, or raised as another.",
        "handler raise",
        "checking",
        "TY-ARTC, TY-ARCB",
    ),
    make_mistake(
        "wrong-result",
        "A result that is right in the common case only: returned too early, or the wrong part.",
        "return yield",
        "function",
        "WVAV, Add Attribute Access",
    ),
)


class Dealer:
    """Deals kinds evenly: of those that fit, the ones dealt least so far; a seed breaks ties."""

    def __init__(self, *, seed: int) -> None:
        order = list(MISTAKES)
        Random(f"{seed}:mistakes").shuffle(order)
        self._ranks = {mistake: rank for rank, mistake in enumerate(order)}
        self._dealt: Counter[Mistake] = Counter()

    def deal(self, words: Collection[Word], count: int) -> Sequence[Mistake]:
        """Return up to this many different kinds for code that holds these words."""
        fitting = [m for m in self._ranks if not m.needs or m.needs & set(words)]
        fitting.sort(key=lambda m: (self._dealt[m], self._ranks[m]))
        chosen = fitting[:count]
        self._dealt.update(chosen)
        return chosen
