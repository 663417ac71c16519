"""What came of the tests: how many failed, and in which way."""

from __future__ import annotations

from storage.nouns import format_count
from tasks.gates.subject import GateSubject, Rules

ONLY_SYMPTOMS = frozenset({"timeout", "import", "missing"})
"""Ways of failing that say nothing of what is wrong: it hangs, or it cannot be loaded."""


def too_large_a_share(subject: GateSubject, rules: Rules) -> str:
    """Stop a bug that turns much of the suite red: whoever runs anything sees it at once."""
    failing = len(subject.fail_to_pass)
    if failing <= rules.few or failing <= rules.largest_share * subject.suite:
        return ""
    share = failing / subject.suite if subject.suite else 1
    return f"{failing} of {subject.suite} tests fail, {share:.0%}"


def only_symptoms(subject: GateSubject, rules: Rules) -> str:
    """Stop a bug whose tests only hang or cannot be loaded; what was not noted is let through."""
    if not subject.kinds or not set(subject.kinds) <= ONLY_SYMPTOMS:
        return ""
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(subject.kinds.items()))
    return f"tests fail in no other way than {told}"


def mostly_spilled(subject: GateSubject, rules: Rules) -> str:
    """Stop a bug that turns more tests red in company than alone: no list of tests tells of it."""
    failing, spilled = len(subject.fail_to_pass), subject.spilled
    if spilled <= failing:
        return ""
    return f"of {format_count(failing + spilled, 'red test')} {spilled:,} are red in company alone"
