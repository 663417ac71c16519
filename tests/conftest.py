"""What tests need from outside: a Docker engine with a base image, GitHub's descriptions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import ImageNotFound
from hypothesis import HealthCheck, settings

from harness.sandboxes.base_image import DEFAULT_TAG, connect, make_base_image
from storage.errors import SandboxError
from storage.locks import hold_lock

# In a job of GitHub's a command says a line more; what it prints is not to depend on that here.
os.environ.pop("GITHUB_ACTIONS", None)

EXAMPLES = os.environ.get("BUGFOUNDRY_EXAMPLES", "")
"""How many cases each property is tried on; `./run test --long` says thousands."""
settings.register_profile(
    "bugfoundry",
    max_examples=int(EXAMPLES or 25),
    # A busy machine is slow; that is no fault of what is tested.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # In CI the few are always the same, so that a change is judged by itself; each night's differ.
    derandomize=os.environ.get("CI") == "true" and not EXAMPLES,
)
settings.load_profile("bugfoundry")

if TYPE_CHECKING:
    from tests.furniture.github_world import Descriptions


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine, with a base image that is made where there is none.

    Where that cannot be had the tests are skipped, but fail in CI.
    """
    try:
        client = connect()
        with hold_lock(
            Path(gettempdir()) / "bugfoundry-base-image.lock"
        ):  # Tests run side by side.
            try:
                client.images.get(DEFAULT_TAG)
            except ImageNotFound:
                make_base_image(DEFAULT_TAG)
    except SandboxError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def descriptions() -> Descriptions:
    """What GitHub says of itself, fetched from the npm registry where it is not in the cache.

    Where that cannot be had the tests are skipped, but fail in CI.
    """
    # Only here: what it imports takes a second.
    from tests.furniture.github_world.descriptions import load

    try:
        return load()
    except (OSError, ValueError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"GitHub's descriptions cannot be had: {error}")
