"""What a run is asked to do: the same for the command line and whatever else starts one.

Each record is one concern, and each of its settings has its type, default, help and variable here
alone: the options of commands, the tables of files and the reference page are made of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from forge.run.pace import BatchPace
from forge.run.setting_fields import Setting
from forge.run.setting_texts import (
    choose_profile,
    join_steps,
    join_strategies,
    join_words,
    parse_operators,
    parse_strategies,
    split_arguments,
    split_steps,
    split_strategies,
)
from harness.sandboxes.limits import SandboxLimits
from mutators import CANDIDATES

if TYPE_CHECKING:
    from harness.detect.config import Overrides
    from mirror.github.token_loans import Lender
    from syntax.features.profile import Profile

PROCESSORS = "one for each processor"


def count_processors() -> int:
    """Return how many sandboxes judge side by side where nobody says."""
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LikenessSettings:
    """Whether bugs are to look like those that people fixed."""

    like_human: Annotated[
        bool,
        Setting(
            help="Draw procedural bugs by how much they look like people's: operators and places "
            "by the likelihood ratio of a profile that was fitted on other repositories.",
        ),
    ] = False
    human_profile: Annotated[
        Path | None,
        Setting(
            help="The profile of --like-human, as `bugfoundry realism --save-profile` writes it. "
            "[default: the one that comes with bugfoundry]"
        ),
    ] = None

    @property
    def profile(self) -> Profile | None:
        """The profile that bugs are drawn by, or none. Raises ConfigError for a bad file."""
        return choose_profile(self.like_human, self.human_profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalSettings:
    """Which bugs are proposed."""

    max_bugs: Annotated[
        int | None, Setting(least=1, help="How many bugs to propose and judge.")
    ] = 100
    seed: Annotated[int, Setting(help="Chooses which bugs are sampled.")] = 0
    strategies: Annotated[
        tuple[str, ...],
        Setting(
            text=str,
            read=parse_strategies,
            write=join_strategies,
            help="Where bugs come from, in this order: mirror (people's fixes, undone), "
            "procedural (operators); by a language model: modify (slips), rewrite (functions "
            "written anew); combine (verified bugs, joined). What mirror leaves of --max-bugs is "
            "shared by the others; NAME:N is N bugs of one at most, as mirror:20.",
        ),
    ] = ("mirror", "procedural")
    """Names, each with a limit of its own where it has one: ``mirror:20``."""
    operators: Annotated[
        frozenset[str] | None,
        Setting(
            name="operator",
            text=list[str] | None,
            read=parse_operators,
            write=sorted,
            help="Use only this operator (repeatable); see `bugfoundry operators`.",
        ),
    ] = None
    likeness: LikenessSettings = field(default_factory=LikenessSettings)

    @property
    def names(self) -> tuple[str, ...]:
        """The strategies, in the order in which they propose."""
        return tuple(split_strategies(self.strategies))

    @property
    def at_most(self) -> Mapping[str, int]:
        """Bugs that a strategy may propose, where it is limited by itself."""
        return {name: limit for name, limit in split_strategies(self.strategies).items() if limit}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """How the repository is installed and tested, and in what."""

    sandbox: Annotated[
        Literal["auto", "docker", "local"],
        Setting(
            help="Where untrusted code runs; auto is docker where a daemon answers, else local."
        ),
    ] = "auto"
    python: Annotated[
        str | None, Setting(help="Python version to use, as 3.12. [default: detected]")
    ] = None
    install: Annotated[
        tuple[tuple[str, ...], ...] | None,
        Setting(
            text=list[str] | None,
            read=split_steps,
            write=join_steps,
            help="One install step, as arguments of `uv pip install` (repeatable); replaces "
            "what would be detected. Example: --install '-e .[test]'",
        ),
    ] = None
    pytest_args: Annotated[
        tuple[str, ...] | None,
        Setting(
            text=str | None,
            read=split_arguments,
            write=join_words,
            help="Arguments for pytest, replacing the detected ones.",
        ),
    ] = None
    base_image: Annotated[
        str | None,
        Setting(
            envvar="BUGFOUNDRY_BASE_IMAGE",
            help="Docker image to build on. [default: python:X.Y-slim-bookworm]",
        ),
    ] = None
    rebuild: Annotated[bool, Setting(help="Build the environment anew.")] = False

    @property
    def overrides(self) -> Overrides:
        """What is not detected."""
        from harness.detect.config import Overrides

        return Overrides(python=self.python, install=self.install, pytest_args=self.pytest_args)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationSettings:
    """How bugs are judged."""

    workers: Annotated[
        int,
        Setting(
            least=1,
            default=count_processors,
            shown=PROCESSORS,
            help="Sandboxes that judge side by side.",
        ),
    ] = 1
    full: Annotated[
        bool, Setting(help="Judge by the whole suite, not by the tests that can notice.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What a language model is asked, where one is configured."""

    budget: Annotated[
        float,
        Setting(
            name="model_budget",
            least=0,
            help="Dollars that a language model may cost for each repository, where "
            "ANTHROPIC_API_KEY is set: it is asked for a plan when every other failed.",
        ),
    ] = 0.5
    month_budget: float | None = None
    """Dollars that it may cost in a month, for all repositories of the store."""
    candidates: Annotated[
        int,
        Setting(least=1, help="Mistakes that the model is asked for in one call of modify."),
    ] = CANDIDATES
    statements: Annotated[
        Literal["template", "model"],
        Setting(
            help="Statements of tasks without a real issue: a template made of the failing tests, "
            "or written by the language model that is configured."
        ),
    ] = "template"
    batch: Annotated[
        bool,
        Setting(
            help="Ask the model in batches, at half the price; answers may take up to a day. "
            "Stopped or killed, the same command collects what was submitted.",
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Where bugs are judged: on this machine, or by jobs of GitHub Actions."""

    engine: Annotated[
        Literal["local", "actions"],
        Setting(
            help="Where bugs are judged: on this machine, or by GitHub Actions in a mirror; "
            "docs/actions.md."
        ),
    ] = "local"
    mirrors: Annotated[
        str,
        Setting(
            envvar="BUGFOUNDRY_MIRRORS",
            help="With --engine actions: the account on GitHub that mirrors are made on.",
        ),
    ] = ""
    tool: Annotated[
        str,
        Setting(
            envvar="BUGFOUNDRY_TOOL",
            help="With --engine actions: bugfoundry's own repository, as owner/bugfoundry@COMMIT.",
        ),
    ] = ""
    registry: Annotated[
        str,
        Setting(
            envvar="BUGFOUNDRY_REGISTRY",
            help="With --engine actions: the registry of the mirrors' images.",
        ),
    ] = "ghcr.io"
    publish: Annotated[
        bool, Setting(help="With --engine actions: put each task into the mirror as a branch.")
    ] = False
    pace: BatchPace = field(default_factory=BatchPace)
    """How bugs are sent to be judged elsewhere."""


RECORDS = (
    ProposalSettings,
    EnvironmentSettings,
    ValidationSettings,
    ModelSettings,
    EngineSettings,
)
"""Those of whose settings `bugfoundry forge` makes its options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One ``forge`` run."""

    source: str
    cache: Path
    proposals: ProposalSettings = field(default_factory=ProposalSettings)
    environment: EnvironmentSettings = field(default_factory=EnvironmentSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    profile: Profile | None = None
    """Draw procedural bugs by how much they look like people's; None draws them evenly."""
    isolated: bool = False
    """Refuse to run the repository's code as a plain process."""
    github_url: str = "https://api.github.com"
    """REST API of the GitHub whose pull requests are crawled."""
    github_token: str = field(default="", repr=False)
    github_tokens: Lender | None = field(default=None, repr=False)
    """In the place of one token, where tokens end: a new one whenever it is needed."""
    only_pulls: frozenset[int] | None = None
    """Numbers of the pull requests to mirror, whatever the rules of choosing say of them."""
    skip_pulls: frozenset[int] = frozenset()
    """Numbers of those never to mirror."""
    limits: SandboxLimits = field(default_factory=SandboxLimits)

    @property
    def token(self) -> str:
        """A token for GitHub that is good for a while, or none; for threads, since it may wait."""
        return self.github_tokens.lend() if self.github_tokens else self.github_token
