"""Secrets and personal data: taken out of what people wrote, and a reason to stop in code."""

from __future__ import annotations

from dataclasses import replace

from tasks.gates.subject import GateSubject, Rules
from tasks.personal import redact_text, secrets


def without_personal_data(subject: GateSubject) -> GateSubject:
    """Return a task whose statement and hints tell nothing of persons and their accounts.

    Kinds are noted with what was taken out; the texts themselves are not kept anywhere.
    """
    task = subject.task
    statement, found = redact_text(task.statement)
    hints = [redact_text(hint) for hint in task.hints]
    taken = [each.kind for each in (*found, *(one for _, more in hints for one in more))]
    if not taken:
        return subject
    noted = tuple((f"redacted-{kind.lower().replace(' ', '-')}", "") for kind in taken)
    changed = replace(
        task,
        statement=statement,
        hints=tuple(text for text, _ in hints),
        removed=(*task.removed, *noted),
    )
    return replace(subject, task=changed)


def secret_in_code(subject: GateSubject, rules: Rules) -> str:
    """Stop a task whose patches hold a token or key: code cannot be redacted and stay the same.

    Addresses in code were published with it, under its licence.
    """
    for name, patch in (("patch", subject.bug.patch), ("test patch", subject.task.test_patch)):
        found = next(secrets(patch.encode("utf-8", "replace").decode()), None)
        if found is not None:
            return f"the {name} holds what looks like a secret ({found.kind})"
    return ""
