"""What a campaign file says: which repositories, with what, and how much may be used up."""

from __future__ import annotations

import os
import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct, field

from storage.errors import ConfigError

Positive = Annotated[float, Meta(gt=0)]
Strategy = Annotated[str, Meta(pattern=r"^(mirror|procedural|modify|rewrite|combine)(:[1-9]\d*)?$")]
"""One, with a limit of its own where wanted, as for `bugfoundry forge`: mirror:20."""
Strategies = tuple[Strategy, ...]


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One repository, and where it differs from the others."""

    source: str
    """As for `bugfoundry forge`."""
    max_bugs: Annotated[int, Meta(ge=1)] | None = None
    strategies: Strategies | None = None
    python: str | None = None
    install: tuple[str, ...] | None = None
    pytest_args: str | None = None


class Campaign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a campaign."""

    name: Annotated[str, Meta(pattern=r"^[\w.-]{1,60}$")]
    """Under which its progress is kept."""
    repositories: Annotated[tuple[Entry, ...], Meta(min_length=1)]
    max_bugs: Annotated[int, Meta(ge=1)] = 100
    """Bugs for each repository."""
    strategies: Strategies = ("mirror", "procedural")
    seed: int = 0
    engine: Literal["local", "actions"] = "local"
    sandbox: Literal["auto", "docker", "local"] = "auto"
    workers: Annotated[int, Meta(ge=1)] = field(default_factory=lambda: os.cpu_count() or 1)
    jobs: Annotated[int, Meta(ge=1)] = 1
    """Repositories side by side."""
    statements: Literal["template", "model"] = "template"
    dollars: Annotated[float, Meta(ge=0)] = 0.0
    """What language models may cost, all repositories together."""
    repository_dollars: Annotated[float, Meta(ge=0)] = 0.5
    """What they may cost each."""
    runner_minutes: Positive | None = None
    """Runner minutes of GitHub Actions, all repositories together."""
    disk_gb: Positive | None = None
    """What the cache may hold; environments of repositories that are done go first."""
    hours: Positive | None = None
    """After so long no other repository is begun."""
    repository_hours: Positive = 6.0
    """After so long a repository is stopped; what it has come to stays."""
    between: tuple[str, str] | None = None
    """Times of day, as 22:00, between which repositories are begun."""

    @property
    def window(self) -> tuple[time, time] | None:
        """The times of day between which repositories are begun."""
        if self.between is None:
            return None
        first, last = (time.fromisoformat(each) for each in self.between)
        return first, last


def read_campaign(path: Path) -> Campaign:
    """Read a TOML or YAML file. Raises ConfigError that names what is wrong."""
    try:
        document = parse(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    try:
        campaign = msgspec.convert(with_entries(document), Campaign)
        assert campaign.window is None or campaign.window[0] != campaign.window[1]
    except (msgspec.ValidationError, ValueError, AssertionError) as error:
        told = str(error) or "between has to name two different times of day"
        raise ConfigError(f"{path}: {told}; docs/scale.md shows a campaign") from error
    sources = [entry.source for entry in campaign.repositories]
    if len(set(sources)) != len(sources):
        twice = next(each for each in sources if sources.count(each) > 1)
        raise ConfigError(f"{path} names {twice} twice")
    return campaign


def parse(path: Path) -> Any:
    """Return what a file holds, by its ending."""
    text = path.read_text()
    if path.suffix in (".yml", ".yaml"):
        return yaml.safe_load(text)
    return tomllib.loads(text)


def with_entries(document: Any) -> Any:
    """Let a repository be named by its source alone."""
    if not isinstance(document, dict) or not isinstance(document.get("repositories"), list):
        return document
    entries = [{"source": e} if isinstance(e, str) else e for e in document["repositories"]]
    return {**document, "repositories": entries}
