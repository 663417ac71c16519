"""What a campaign file says: which repositories, with what, and how much may be used up."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta, Struct

from forge.run.setting_fields import Setting, SettingSubset, pick
from forge.run.setting_files import read_record
from forge.run.settings import (
    EngineSettings,
    EnvironmentSettings,
    ModelSettings,
    ProposalSettings,
    ValidationSettings,
    count_processors,
)
from storage.errors import ConfigError

Strategy = Annotated[str, Meta(pattern=r"^(mirror|procedural|modify|rewrite|combine)(:[1-9]\d*)?$")]
"""One, with a limit of its own where wanted, as for `bugfoundry forge`: mirror:20."""
Strategies = tuple[Strategy, ...]


class CampaignEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One repository, and where it differs from the others."""

    source: str
    """As for `bugfoundry forge`."""
    max_bugs: Annotated[int, Meta(ge=1)] | None = None
    strategies: Strategies | None = None
    python: str | None = None
    install: tuple[str, ...] | None = None
    pytest_args: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """All of a campaign."""

    name: Annotated[
        str,
        Setting(
            kind=Annotated[str, Meta(pattern=r"^[\w.-]{1,60}$")],
            help="Under which its progress is kept.",
        ),
    ]
    repositories: Annotated[
        tuple[CampaignEntry, ...],
        Setting(kind=Annotated[tuple[CampaignEntry, ...], Meta(min_length=1)]),
    ]
    proposals: Annotated[
        ProposalSettings,
        SettingSubset("max_bugs", "seed", pick("strategies", kind=Strategies)),
    ] = field(default_factory=ProposalSettings)
    environment: Annotated[EnvironmentSettings, SettingSubset("sandbox")] = field(
        default_factory=EnvironmentSettings
    )
    validation: Annotated[ValidationSettings, SettingSubset("workers")] = field(
        default_factory=lambda: ValidationSettings(workers=count_processors())
    )
    engine: Annotated[EngineSettings, SettingSubset("engine")] = field(
        default_factory=EngineSettings
    )
    model: Annotated[
        ModelSettings,
        SettingSubset(
            "statements",
            pick("model_budget", name="repository_dollars", help="What they may cost each."),
        ),
    ] = field(default_factory=ModelSettings)
    jobs: Annotated[int, Setting(least=1, help="Repositories side by side.")] = 1
    dollars: Annotated[
        float,
        Setting(least=0, help="What language models may cost, all repositories together."),
    ] = 0.0
    runner_minutes: Annotated[
        float | None,
        Setting(over=0, help="Runner minutes of GitHub Actions, all repositories together."),
    ] = None
    disk_gb: Annotated[
        float | None,
        Setting(
            over=0,
            help="What the cache may hold; environments of repositories that are done go first.",
        ),
    ] = None
    hours: Annotated[
        float | None, Setting(over=0, help="After so long no other repository is begun.")
    ] = None
    repository_hours: Annotated[
        float,
        Setting(over=0, help="After so long a repository is stopped; what it has come to stays."),
    ] = 6.0
    between: Annotated[
        tuple[str, str] | None,
        Setting(help="Times of day, as 22:00, between which repositories are begun."),
    ] = None

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
        campaign = read_record(Campaign, with_entries(document))
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
