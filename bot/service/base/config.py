"""The settings of the service: one TOML file, and environment variables over it.

A secret is never written in the file: it is in a variable, or in a file that is named.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

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

T = TypeVar("T")


class AppConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the App is on GitHub; `bugfoundry app create` writes these."""

    id: Annotated[str, Meta(description="The App's number, as GitHub shows it.")] = ""
    slug: Annotated[
        str, Meta(description="The App's name in addresses; its bot is `SLUG[bot]`.")
    ] = ""
    private_key_file: Annotated[
        str, Meta(description="The App's private key, a PEM file that only its owner may read.")
    ] = ""
    webhook_secret_file: Annotated[
        str, Meta(description="The secret that signs deliveries, in a file of its own.")
    ] = ""
    api_url: Annotated[
        str, Meta(description="REST API of the GitHub: `https://HOST/api/v3` on Enterprise Server.")
    ] = PUBLIC
    web_url: Annotated[str, Meta(description="Where people read that GitHub.")] = (
        "https://github.com"
    )


class ServeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service listens, and where it keeps things."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port; 0 takes a free one.")] = 8080
    public_url: Annotated[
        str,
        Meta(description="Where GitHub and people reach the service, as `https://bugs.example`."),
    ] = ""
    store: Annotated[str, Meta(description="The SQLite file everything is kept in.")] = ""
    cache: Annotated[str, Meta(description="Folder of clones and local environments.")] = ""
    operator_token_file: Annotated[
        str,
        Meta(description="A token that opens the dashboard's actions; without it there are none."),
    ] = ""
    keep_days: Annotated[
        int, Meta(ge=3, description="Days for which handled deliveries are remembered.")
    ] = 30


class WorkConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done for a repository that is opted in."""

    processes: Annotated[
        int, Meta(ge=0, description="Repositories worked on at once, each in a process of its own.")
    ] = 1
    sandbox: Annotated[
        Literal["auto", "docker", "local"],
        Meta(description="Where the repository's code runs; a plain process is refused."),
    ] = "auto"
    base_image: Annotated[str, Meta(description="Docker image to build on.")] = ""
    workers: Annotated[int, Meta(ge=1, description="Sandboxes that judge side by side.")] = 1
    max_bugs: Annotated[
        int, Meta(ge=1, description="Bugs proposed for a repository by each strategy.")
    ] = 200
    strategies: Annotated[
        tuple[Literal["mirror", "procedural", "rewrite", "modify", "combine"], ...],
        Meta(description="Where bugs come from; those by a model need one that is configured."),
    ] = ("mirror", "procedural", "rewrite", "modify", "combine")
    rebuild_days: Annotated[
        float, Meta(ge=0, description="Days after which a stale environment is built anew.")
    ] = 7.0
    mirrors: Annotated[
        str,
        Meta(
            description="Account whose repositories are the mirrors in which GitHub Actions judge "
            "bugs; empty for none."
        ),
    ] = ""
    mirrors_token_file: Annotated[
        str,
        Meta(
            description="A token that may make, push to and run workflows of the repositories of "
            "that account; the App itself may not."
        ),
    ] = ""
    tool: Annotated[
        str,
        Meta(
            description="Bugfoundry's own repository at a commit, as `owner/bugfoundry@COMMIT`: "
            "whose workflows the mirrors run."
        ),
    ] = ""
    registry: Annotated[str, Meta(description="Where the mirrors' images are kept.")] = "ghcr.io"
    shard_minutes: Annotated[
        float, Meta(gt=0, description="How long a shard of a batch should take.")
    ] = 10.0
    statements: Annotated[
        Literal["template", "model"], Meta(description="Who states bugs that nobody reported.")
    ] = "template"


class LimitsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service may use up."""

    repository_dollars: Annotated[
        float, Meta(ge=0, description="Dollars that language models may cost a repository.")
    ] = 2.0
    month_dollars: Annotated[
        float, Meta(ge=0, description="Dollars that they may cost in a month, all together.")
    ] = 50.0
    requests: Annotated[
        int, Meta(ge=1, le=100, description="Requests to GitHub under way at once.")
    ] = 20
    handlers: Annotated[int, Meta(ge=1, le=100, description="Deliveries handled at once.")] = 8
    reconcile_minutes: Annotated[
        float, Meta(gt=0, description="How often all is compared with what GitHub says.")
    ] = 60.0
    missed_minutes: Annotated[
        float, Meta(gt=0, description="How often deliveries that did not arrive are looked for.")
    ] = 10.0


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, by the table of the TOML file they are in."""

    app: AppConfig = field(default_factory=AppConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    work: WorkConfig = field(default_factory=WorkConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)

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
            tables.setdefault(table, {})[name] = _split(value) if name == "strategies" else value
    try:
        return msgspec.convert(tables, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}: {error}; docs/settings.md lists the settings") from error


def settings() -> Iterator[tuple[str, str]]:
    """Yield the table and name of every setting."""
    for table in msgspec.structs.fields(Config):
        for setting in msgspec.structs.fields(table.type):
            yield table.name, setting.name


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


def _split(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]
