"""What a repository's own file asks of the App, as it is kept with the repository."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from bot.service.base.config import Config
from harness.detect.config import CONFIG_PATH, validate_config
from storage.errors import ConfigError
from storage.records import Strategy
from storage.tables.hosted import Hosted

Report = Literal["issue", "check", "none"]


class Wishes(Struct, frozen=True, kw_only=True):
    """What maintainers want of the App."""

    report: Report = "issue"
    """Where they are told which bugs no test noticed."""
    strategies: tuple[Strategy, ...] | None = None
    """Where bugs may come from; None for all that the operator offers."""
    error: str = ""
    """Why their file cannot be read; what it said before holds then."""


def wishes_of(hosted: Hosted) -> Wishes:
    """Return what a repository wants, as it was last read."""
    try:
        return msgspec.json.decode(hosted.settings, type=Wishes)
    except msgspec.DecodeError:
        # Kept by another version: nothing is lost, the file is read again.
        return Wishes()


def read_wishes(data: bytes | None, before: Wishes, *, path: str = CONFIG_PATH) -> Wishes:
    """Return what the file wants, None where there is none; its mistake beside what held before."""
    try:
        document = {} if data is None else validate_config(data, path=path)
    except ConfigError as error:
        return msgspec.structs.replace(before, error=str(error))
    return msgspec.convert(
        {name: document[name] for name in ("report", "strategies") if name in document}, Wishes
    )


def encode_wishes(wishes: Wishes) -> str:
    """Return wishes as they are kept with the repository."""
    return msgspec.json.encode(wishes).decode()


def wanted_strategies(hosted: Hosted, config: Config) -> tuple[str, ...]:
    """Return the strategies that a repository's bugs come from, in the operator's order."""
    wanted = wishes_of(hosted).strategies
    return tuple(s for s in config.work.proposals.names if wanted is None or s in wanted)
