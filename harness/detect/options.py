"""Sort pytest's arguments: what is kept for our runs, what is dropped, and why."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.detect.option_tables import (
    DROPPED_PLUGINS,
    DROPPED_PREFIXES,
    KEEP,
    LONG,
    PLUGIN_PREFIXES,
    SHORT,
)
from harness.detect.tree import RepositoryTree, has_path

UNKNOWN = "of a plugin not known here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Arguments of pytest after sorting."""

    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    """Distributions of the plugins that kept options belong to."""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Sorter:
    """One pass over arguments. ``registered`` says which long options a conftest defines."""

    tree: RepositoryTree
    source: str
    registered: Callable[[str], bool]
    options: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def sort(self, words: Sequence[str]) -> Arguments:
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word.startswith("--") and word != "--":
                self.long(word, rest)
            elif word.startswith("-") and word not in ("-", "--"):
                self.short(word, rest)
            elif word != "--":
                self.positional(word)
        return Arguments(
            options=tuple(self.options),
            paths=tuple(dict.fromkeys(self.paths)),
            needs=frozenset(self.needs),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def long(self, word: str, rest: list[str]) -> None:
        name, equals, value = word.partition("=")
        takes, why = self.known_long(name)
        written = [word]
        if takes is None:
            takes = bool(rest) and not rest[0].startswith("-") and not has_path(self.tree, rest[0])
        if name == "--cov":
            takes = bool(rest) and not rest[0].startswith("-") and not rest[0].startswith("./")
        if takes and not equals and rest:
            value = rest.pop(0)
            written.append(value)
        if name in ("--override-ini", "--config-file"):
            why = why or self.explain_refusal(name, value)
        if why:
            self.drop(written, why)
            return
        self.options += written
        self.needs.update(
            dist for prefix, dist in PLUGIN_PREFIXES.items() if is_in_family(name, prefix)
        )

    def known_long(self, name: str) -> tuple[bool | None, str]:
        """Return whether a long option takes a value (None: not known) and why it is dropped."""
        if name in LONG:
            return LONG[name]
        for prefix, why in DROPPED_PREFIXES.items():
            if is_in_family(name, prefix):
                return None, why
        if any(is_in_family(name, prefix) for prefix in PLUGIN_PREFIXES) or self.registered(name):
            return None, KEEP
        return None, UNKNOWN

    def short(self, word: str, rest: list[str]) -> None:
        """Sort a cluster: flags, and at most one option with a value at its end."""
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            takes, why = SHORT.get(letter, (False, UNKNOWN))
            written = [f"-{letter}{letters}"] if takes and letters else [f"-{letter}"]
            if takes:
                value = letters or (rest.pop(0) if rest else "")
                written += [] if letters else [value]
                letters = ""
                why = why or self.explain_refusal(f"-{letter}", value)
            if why:
                self.drop(written, why)
            else:
                self.options += written

    def explain_refusal(self, name: str, value: str) -> str:
        """Return why an option cannot be kept with this value, empty when it can."""
        if name == "-p":
            return DROPPED_PLUGINS.get(value.removeprefix("no:"), KEEP)
        if name in ("-o", "--override-ini") and value.startswith("addopts"):
            return "set anyway"
        if name in ("-c", "--config-file") and not has_path(self.tree, value):
            return "no such file"
        return KEEP

    def positional(self, word: str) -> None:
        path = posixpath.normpath(word) if word else ""
        place = path.partition("::")[0]
        for candidate in (place, f"src/{place}", place.replace(".", "/")):
            if candidate and not place.startswith(("/", "..")) and has_path(self.tree, candidate):
                self.paths.append(candidate + path.removeprefix(place))
                return
        self.drop([word], "no such path")

    def drop(self, words: Sequence[str], why: str) -> None:
        self.notes.append(f"{self.source}: dropped {' '.join(words)!r} ({why})")


def is_in_family(name: str, prefix: str) -> bool:
    """Say whether an option belongs to a family: the prefix itself, or ``prefix-…``."""
    return name == prefix or name.startswith(f"{prefix}-")


def sort_arguments(
    words: Sequence[str], *, tree: RepositoryTree, source: str, registered: Callable[[str], bool]
) -> Arguments:
    """Sort pytest arguments found in ``source`` (named in notes) into kept and dropped."""
    return Sorter(tree, source, registered).sort(words)
