"""Whose code it is: the licence, and public benchmarks."""

from __future__ import annotations

from tasks.gates.subject import GateSubject, Rules


def licence(subject: GateSubject, rules: Rules) -> str:
    """Stop a task whose code may not be passed on under any terms."""
    return subject.tree.licence.explain_refusal(rules.licences)


def benchmark(subject: GateSubject, rules: Rules) -> str:
    """Stop a task on a repository that models are measured on."""
    overlap = subject.tree.overlap
    return "" if overlap is None or rules.benchmarks_allowed else str(overlap)
