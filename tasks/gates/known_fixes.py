"""Is the known fix accepted when it is handed in as any patch?"""

from __future__ import annotations

from syntax.patch_text import apply_patch
from tasks.gates.subject import GateSubject, Rules
from tasks.intake import explain_known_fix


def tests_in_the_fix(subject: GateSubject, rules: Rules) -> str:
    """Stop a task of whose known fix grading puts something back: no solver could solve it."""
    tree, bug = subject.tree, subject.bug
    tests = (*subject.fail_to_pass, *subject.passing)
    told = explain_known_fix(
        bug,
        lambda: apply_patch(bug.patch, tree.read),
        tree.read,
        paths=lambda: tree.paths,
        tests=tests,
        lock=subject.lock,
    )
    return f"of the fix is put back: {told}" if told else ""
