"""What a run is asked to do: the same for the command line and whatever else starts one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forge.run.pace import Pace
from harness.detect.config import Overrides
from harness.sandboxes.sandbox import Limits
from mutators.model.modify import CANDIDATES
from syntax.features.profile import Profile

if TYPE_CHECKING:
    from mirror.github.token_loans import Lender

PASSED_TO_BUILDS = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
"""Of the host's variables, what a build sees: certificates, package index and proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One ``forge`` run."""

    source: str
    cache: Path
    sandbox: Literal["auto", "docker", "local"] = "auto"
    isolated: bool = False
    """Refuse to run the repository's code as a plain process."""
    base_image: str | None = None
    overrides: Overrides = field(default_factory=Overrides)
    seed: int = 0
    max_bugs: int | None = 100
    operators: frozenset[str] | None = None
    profile: Profile | None = None
    """Draw procedural bugs by how much they look like people's; None draws them evenly."""
    strategies: tuple[str, ...] = ("mirror", "procedural")
    """In the order in which they propose."""
    at_most: Mapping[str, int] = field(default_factory=dict)
    """Bugs that a strategy may propose, where it is limited by itself."""
    github_url: str = "https://api.github.com"
    """REST API of the GitHub whose pull requests are crawled."""
    github_token: str = field(default="", repr=False)
    github_tokens: Lender | None = field(default=None, repr=False)
    """In the place of one token, where tokens end: a new one whenever it is needed."""
    only_pulls: frozenset[int] | None = None
    """Numbers of the pull requests to mirror, whatever the rules of choosing say of them."""
    skip_pulls: frozenset[int] = frozenset()
    """Numbers of those never to mirror."""
    workers: int = 1
    rebuild: bool = False
    full: bool = False
    """Judge every bug by the whole suite."""
    model_budget: float = 0.5
    """Dollars that a language model may cost this repository, where one is configured."""
    month_budget: float | None = None
    """Dollars that it may cost in a month, for all repositories of the store."""
    candidates: int = CANDIDATES
    """Mistakes that a language model is asked for in one call."""
    statements: Literal["template", "model"] = "template"
    """Who writes the statements of tasks without a real issue."""
    batch: bool = False
    """Ask the model in batches."""
    engine: Literal["local", "actions"] = "local"
    """Where bugs are judged: on this machine, or by jobs of GitHub Actions."""
    mirrors: str = ""
    """The account on GitHub whose repositories mirror others, for their bugs to be judged there."""
    tool: str = ""
    """``owner/bugfoundry@COMMIT``: whose workflows the mirrors run."""
    publish: bool = False
    """Put each task into the mirror as a branch."""
    registry: str = "ghcr.io"
    """Where the mirrors' images are kept."""
    pace: Pace = field(default_factory=Pace)
    """How bugs are sent to be judged elsewhere."""
    limits: Limits = field(default_factory=Limits)

    @property
    def token(self) -> str:
        """A token for GitHub that is good for a while, or none; for threads, since it may wait."""
        return self.github_tokens.lend() if self.github_tokens else self.github_token


def build_env(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the part of the host's environment variables that builds are given."""
    environ = os.environ if environ is None else environ
    return {name: environ[name] for name in PASSED_TO_BUILDS if name in environ}
