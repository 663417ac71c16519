"""What a run passed over, by kind and named reason: nothing is left out in silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forge.run.context import Context
from forge.run.nouns import format_count
from forge.run.preparation import Ready
from harness.environments.baseline import NOT_COLLECTED
from storage.folder_files import LINK
from storage.lfs import list_pointers
from storage.records import FOLDER
from storage.submodules import list_left_out as list_submodules
from storage.tree_gaps import list_filtered, name_some
from storage.trees import Trees
from syntax.languages import language_of
from syntax.paths import is_source_path, is_test_path

OTHER = "documentation, examples, scripts or packaging"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Things of one kind that were passed over for one reason."""

    kind: str
    """As it is counted: ``source file``, ``submodule``, ``test`` …"""
    reason: str
    names: tuple[str, ...]


def describe_left_out(each: LeftOut) -> str:
    """Say in a line how many were left out, why, and which."""
    count = format_count(len(each.names), each.kind)
    return f"{count} left out, {each.reason}: {name_some(each.names)}"


def list_left_out(context: Context, ready: Ready, trees: Trees) -> tuple[LeftOut, ...]:
    """Return what a run left out of its repository."""
    tree = ready.repository.tree
    found = [
        *group_reasons("source file", list_files(context, ready, trees)),
        *group_reasons(
            "submodule", ((name, "not fetched") for name in list_submodules(trees, tree))
        ),
        *group_reasons("LFS file", ((path, "a pointer") for path in list_pointers(trees, tree))),
        *group_reasons(
            "filtered file",
            (
                (p, f"filter {name!r} is not run")
                for name, ps in list_filtered(trees, tree).items()
                for p in ps
            ),
        ),
        *group_reasons("test file", list_tests(ready, files=True)),
        *group_reasons("test", list_tests(ready, files=False)),
    ]
    return tuple(found)


def group_reasons(kind: str, reasons: Iterable[tuple[str, str]]) -> list[LeftOut]:
    """Group names with their reasons by reason, in the order in which those come."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in reasons:
        groups[reason].append(name)
    return [LeftOut(kind=kind, reason=r, names=tuple(names)) for r, names in groups.items()]


def list_files(context: Context, ready: Ready, trees: Trees) -> Iterator[tuple[str, str]]:
    """Yield each source file in which no bug was to be made, with why."""
    folder = dict(ready.overrides.env).get(FOLDER, "")
    unread = context.transcription.left_out if context.transcription is not None else {}
    for path, mode in sorted(trees.paths(ready.repository.tree).items()):
        if language_of(path) is None or is_test_path(path):
            continue
        if path in unread:
            why = unread[path]
            yield path, f"{why.reason} ({why.detail})" if why.detail else why.reason
        elif mode == LINK:
            yield path, "a link"
        elif not is_source_path(path):
            yield path, OTHER
        elif folder and not path.startswith(f"{folder}/"):
            yield path, f"outside of {folder}"
        elif ready.overrides.excludes(path):
            yield path, "excluded by its settings"


def list_tests(ready: Ready, *, files: bool) -> Iterator[tuple[str, str]]:
    """Yield each test that serves in no list, or each file of which none could be collected."""
    for test in ready.prepared.baseline.tests:
        reason = test.set_aside or ("" if test.outcome == "passed" else str(test.outcome))
        if reason and (reason == NOT_COLLECTED) == files:
            yield test.id, reason
