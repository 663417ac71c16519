"""A step of a workflow: what it tells the next ones, and what is not to be taken for a command.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from storage.errors import ConfigError

NO_FILE = "--github is for a step of a workflow: the variable GITHUB_OUTPUT names no file"


def write_outputs(values: Mapping[str, str]) -> None:
    """Write a step's outputs, each up to a mark that no value can know. Raises ConfigError outside
    a workflow."""
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        raise ConfigError(NO_FILE)
    end = f"end-{secrets.token_hex(16)}"
    with Path(path).open("a", encoding="utf-8", newline="") as file:
        file.writelines(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def mute_commands() -> None:
    """In a job, have nothing that this step prints from here on taken for a workflow command.

    Names of tests, patches and messages are anybody's text. Said on stderr, since stdout may be a
    document; the runner heeds it for both. It is never taken back, for what was written to the
    other stream before may be read after: the next step begins anew.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stderr.write(f"::stop-commands::{secrets.token_hex(16)}\n")
        sys.stderr.flush()
