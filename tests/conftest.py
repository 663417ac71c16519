"""A Docker engine and a base image for the tests that need them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import docker
import pytest
from docker.errors import ImageNotFound

from harness.base_image import DEFAULT_TAG, connect, make_base_image
from storage.errors import SandboxError


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine, with a base image that is made where there is none.

    Where that cannot be had the tests are skipped, but fail in CI.
    """
    try:
        client = connect()
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
