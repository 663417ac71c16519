"""Whose container it is: what a killed process left behind is removed, what another uses is not."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from harness.sandboxes.workplaces import is_alive

OWNER = "bugfoundry.sandbox"
"""Label of a sandbox: the process it is for."""
BUILDER = "bugfoundry.build"
"""Label of a container that an image is built in."""
WHERE = "bugfoundry.where"
"""Label of both: the machine or container of that process, and its namespace of processes."""


def make_owner_labels(kind: str) -> dict[str, str]:
    """Return the labels of a container of this process."""
    return {kind: str(os.getpid()), WHERE: here()}


def here() -> str:
    """Return what tells this namespace of processes from others on the same engine."""
    return f"{socket.gethostname()} {Path('/proc/self/ns/pid').stat().st_ino}"


def is_left_behind(found: Mapping[str, str], kind: str) -> bool:
    """Tell by its labels whether nobody uses a container any more.

    A number of a process says nothing in another container. One of the same name is there no more
    once this one runs, so what it had is left behind.
    """
    name, _, space = found.get(WHERE, "").partition(" ")
    own_name, _, own_space = here().partition(" ")
    if name and name != own_name:
        return False
    if space and space != own_space:
        return True
    # A sandbox inherits its image's label of a builder that may be long gone: the owner counts.
    return not is_alive(found.get(OWNER) or found[kind])
