"""What people write for a setting, and what it means."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import ConfigError

if TYPE_CHECKING:
    from syntax.features.profile import Profile


def parse_strategies(text: str) -> tuple[str, ...]:
    """Return names of strategies, each once, with the limits of some.

    Raises ConfigError for what is neither.
    """
    # All of them are known only where all that they do is imported.
    from forge.run.sources import STRATEGIES

    limits: dict[str, int | None] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, colon, limit = part.partition(":")
        # The last limit that is named holds; the place is that of the first naming.
        limits.setdefault(name, None)
        if colon:
            limits[name] = int(limit) if limit.isdecimal() else 0
    if not limits or set(limits) - set(STRATEGIES):
        raise ConfigError(
            f"--strategies {text!r}: there is {', '.join(STRATEGIES)}; name one or more"
        )
    if 0 in limits.values():
        raise ConfigError(f"--strategies {text!r}: write NAME:N with N of 1 or more, as mirror:20")
    return tuple(f"{name}:{limit}" if limit else name for name, limit in limits.items())


def split_strategies(strategies: Iterable[str]) -> dict[str, int]:
    """Return the names of strategies, each with its limit, 0 for none."""
    found = {}
    for each in strategies:
        name, _, limit = each.partition(":")
        found[name] = int(limit or 0)
    return found


def join_strategies(strategies: Iterable[str]) -> str:
    """Return strategies as the command line has them."""
    return ",".join(strategies)


def parse_operators(names: Sequence[str]) -> frozenset[str] | None:
    """Check operator names. Raises ConfigError for one that does not exist."""
    if not names:
        return None
    from mutators.operators.registry import operators

    known = {operator.name for operator in operators()}
    for name in names:
        if name not in known:
            raise ConfigError(f"no operator {name!r}; `bugfoundry operators` lists them")
    return frozenset(names)


def split_steps(steps: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    """Split each install step as a shell does. Raises ConfigError."""
    return tuple(split_words(step, "--install") for step in steps) or None


def join_steps(steps: Iterable[Sequence[str]]) -> list[str]:
    """Return install steps as the command line has them."""
    return [shlex.join(step) for step in steps]


def split_arguments(text: str) -> tuple[str, ...]:
    """Split pytest's arguments as a shell does. Raises ConfigError."""
    return split_words(text, "--pytest-args")


def join_words(words: Sequence[str]) -> str:
    """Return words as the command line has them."""
    return shlex.join(words)


def split_words(text: str, option: str) -> tuple[str, ...]:
    """Split as a shell does. Raises ConfigError naming the option."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: {error}".lower()) from error


def choose_profile(like_human: bool, path: Path | None) -> Profile | None:
    """Return the profile that bugs are drawn by, or none. Raises ConfigError for a bad file."""
    from mutators.likely import shipped_profile
    from syntax.features.profile import read_profile

    if path is None:
        return shipped_profile() if like_human else None
    try:
        return read_profile(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"--human-profile {path}: {error.strerror}") from error
