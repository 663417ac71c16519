"""Ids of tasks, in the form the field knows: ``owner__name.commit8.bug_type__hash8``."""

from __future__ import annotations

import re
import string

from storage.records import Bug, Origin, Repository

ALPHABET = string.digits + string.ascii_lowercase
HASH_LENGTH = 8
BUG_TYPES = {"mirror": "pr_mirror", "rewrite": "lm_rewrite", "modify": "lm_modify"}


def environment_key(repository: Repository) -> str:
    """Return what all ids of a repository begin with: ``owner__name.commit8``."""
    return f"{repository.owner}__{repository.name}.{repository.commit[:8]}"


def bug_type(origin: Origin) -> str:
    """Return the kind of a bug as SWE-smith names it: ``func_pm_`` and the operator."""
    if origin.strategy == "procedural":
        return f"func_pm_{re.sub(r'[^a-z0-9]+', '_', origin.operator.lower()).strip('_')}"
    return BUG_TYPES.get(origin.strategy, origin.strategy)


def instance_id(repository: Repository, bug: Bug) -> str:
    """Return the id of a task. The hash is of the bug: its tree and all it changes."""
    return f"{environment_key(repository)}.{bug_type(bug.origin)}__{short_hash(bug.id)}"


def short_hash(bug_id: str) -> str:
    """Return eight letters and digits for a bug's id."""
    number, letters = int(bug_id, 16), ""
    for _ in range(HASH_LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters += ALPHABET[place]
    return letters
