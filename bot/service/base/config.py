"""The settings of the service: one TOML file, and environment variables over it.

A secret is never written in the file: it is in a variable, or in a file that is named.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from forge.run.setting_fields import Setting, SettingSubset, SettingTable, pick, setting_fields
from forge.run.setting_files import read_record, tables_of
from forge.run.settings import (
    EngineSettings,
    EnvironmentSettings,
    ModelSettings,
    ProposalSettings,
    ValidationSettings,
)
from mirror.github import PUBLIC
from storage.errors import ConfigError
from storage.paths import cache_dir, default_store

FILE = "bugfoundry.toml"
FILE_VARIABLE = "BUGFOUNDRY_CONFIG"
PLACES = (
    ("app", "private_key_file"),
    ("app", "webhook_secret_file"),
    ("serve", "store"),
    ("serve", "cache"),
    ("serve", "operator_token_file"),
    ("work", "mirrors_token_file"),
)
"""Settings that name a file or folder: in the TOML file, as seen from where that is."""
SECRETS = ("private_key", "webhook_secret", "operator_token", "mirrors_token")


PROPOSALS = ProposalSettings(
    max_bugs=200, strategies=("mirror", "procedural", "rewrite", "modify", "combine")
)
"""What is proposed where the operator does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppConfig:
    """Who the App is on GitHub; `bugfoundry app create` writes these."""

    id: Annotated[str, Setting(help="The App's number, as GitHub shows it.")] = ""
    slug: Annotated[str, Setting(help="The App's name in addresses; its bot is `SLUG[bot]`.")] = ""
    private_key_file: Annotated[
        str, Setting(help="The App's private key, a PEM file that only its owner may read.")
    ] = ""
    webhook_secret_file: Annotated[
        str, Setting(help="The secret that signs deliveries, in a file of its own.")
    ] = ""
    api_url: Annotated[
        str, Setting(help="REST API of the GitHub: `https://HOST/api/v3` on Enterprise Server.")
    ] = PUBLIC
    web_url: Annotated[str, Setting(help="Where people read that GitHub.")] = "https://github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """Where the service listens, and where it keeps things."""

    host: Annotated[str, Setting(help="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Setting(least=0, most=65535, help="Port; 0 takes a free one.")] = 8080
    public_url: Annotated[
        str,
        Setting(help="Where GitHub and people reach the service, as `https://bugs.example`."),
    ] = ""
    store: Annotated[str, Setting(help="The SQLite file everything is kept in.")] = ""
    cache: Annotated[str, Setting(help="Folder of clones and local environments.")] = ""
    operator_token_file: Annotated[
        str,
        Setting(help="A token that opens the dashboard's actions; without it there are none."),
    ] = ""
    keep_days: Annotated[
        int, Setting(least=3, help="Days for which handled deliveries are remembered.")
    ] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkConfig:
    """What is done for a repository that is opted in."""

    processes: Annotated[
        int, Setting(least=0, help="Repositories worked on at once, each in a process of its own.")
    ] = 1
    environment: Annotated[
        EnvironmentSettings,
        SettingSubset(
            pick("sandbox", help="Where the repository's code runs; a plain process is refused."),
            pick("base_image", default="", help="Docker image to build on."),
        ),
    ] = field(default_factory=EnvironmentSettings)
    validation: Annotated[ValidationSettings, SettingSubset(pick("workers", default=1))] = field(
        default_factory=ValidationSettings
    )
    proposals: Annotated[
        ProposalSettings,
        SettingSubset(
            pick("max_bugs", help="Bugs proposed for a repository by each strategy."),
            pick(
                "strategies",
                kind=tuple[Literal["mirror", "procedural", "rewrite", "modify", "combine"], ...],
                help="Where bugs come from; those by a model need one that is configured.",
            ),
        ),
    ] = PROPOSALS
    rebuild_days: Annotated[
        float, Setting(least=0, help="Days after which a stale environment is built anew.")
    ] = 7.0
    engine: Annotated[
        EngineSettings,
        SettingSubset(
            pick(
                "mirrors",
                help="Account whose repositories are the mirrors in which GitHub Actions judge "
                "bugs; empty for none.",
            ),
            pick(
                "tool",
                help="Bugfoundry's own repository at a commit, as `owner/bugfoundry@COMMIT`: "
                "whose workflows the mirrors run.",
            ),
            pick("registry", help="Where the mirrors' images are kept."),
            pick(
                "shard_minutes",
                least=None,
                over=0,
                help="How long a shard of a batch should take.",
            ),
        ),
    ] = field(default_factory=EngineSettings)
    mirrors_token_file: Annotated[
        str,
        Setting(
            help="A token that may make, push to and run workflows of the repositories of "
            "that account; the App itself may not."
        ),
    ] = ""
    model: Annotated[
        ModelSettings,
        SettingSubset(pick("statements", help="Who states bugs that nobody reported.")),
    ] = field(default_factory=ModelSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """What the service may use up."""

    repository_dollars: Annotated[
        float, Setting(least=0, help="Dollars that language models may cost a repository.")
    ] = 2.0
    month_dollars: Annotated[
        float, Setting(least=0, help="Dollars that they may cost in a month, all together.")
    ] = 50.0
    requests: Annotated[
        int, Setting(least=1, most=100, help="Requests to GitHub under way at once.")
    ] = 20
    handlers: Annotated[int, Setting(least=1, most=100, help="Deliveries handled at once.")] = 8
    reconcile_minutes: Annotated[
        float, Setting(over=0, help="How often all is compared with what GitHub says.")
    ] = 60.0
    missed_minutes: Annotated[
        float, Setting(over=0, help="How often deliveries that did not arrive are looked for.")
    ] = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, by the table of the TOML file they are in."""

    app: Annotated[AppConfig, SettingTable("The App")] = field(default_factory=AppConfig)
    serve: Annotated[ServeConfig, SettingTable("The service")] = field(default_factory=ServeConfig)
    work: Annotated[WorkConfig, SettingTable("What is done")] = field(default_factory=WorkConfig)
    limits: Annotated[LimitsConfig, SettingTable("Limits")] = field(default_factory=LimitsConfig)

    @property
    def store(self) -> Path:
        return Path(self.serve.store).expanduser() if self.serve.store else default_store()

    @property
    def cache(self) -> Path:
        return Path(self.serve.cache).expanduser() if self.serve.cache else cache_dir()


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings. A file that is named must exist; the default one need not.

    Each setting has a variable, as BUGFOUNDRY_SERVE_PORT. Raises ConfigError that names the
    setting that is wrong.
    """
    environ = os.environ if environ is None else environ
    named = path or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    place = named or Path(FILE)
    tables = _tables(place) if named is not None or place.exists() else {}
    for table, name in settings():
        value = environ.get(variable(table, name))
        if value:
            tables.setdefault(table, {})[name] = (
                _split_list(value) if name == "strategies" else value
            )
    try:
        return read_record(Config, tables, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}: {error}; docs/settings.md lists the settings") from error


def settings() -> Iterator[tuple[str, str]]:
    """Yield the table and name of every setting."""
    for table, _, record in tables_of(Config):
        for setting in setting_fields(record):
            yield table, setting.name


def variable(table: str, name: str) -> str:
    """Return the environment variable of a setting."""
    return f"BUGFOUNDRY_{table}_{name}".upper()


def secret(name: str, file: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a secret: from its variable (BUGFOUNDRY_WEBHOOK_SECRET …), or from a file.

    Empty where neither is set. Raises ConfigError when the file cannot be read.
    """
    environ = os.environ if environ is None else environ
    value = environ.get(f"BUGFOUNDRY_{name}".upper(), "")
    if value or not file:
        return value.strip()
    try:
        return Path(file).expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file of {name} cannot be read: {file}: {error}") from error


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"the settings in {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    for table, value in found.items():
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {table} stands outside a table; put it under [serve] …")
    for table, name in PLACES:
        value = found.get(table, {}).get(name)
        if isinstance(value, str) and value:
            found[table][name] = str(path.absolute().parent / Path(value).expanduser())
    return found


def _split_list(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]
