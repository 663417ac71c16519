"""The service in its image: built, started, stopped, started again, with nothing lost."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from bot.service.inbox.webhooks import signature
from harness.sandboxes.base_image import DEFAULT_TAG
from tests.bot.service.made import SECRET, private_key
from tests.bot.service.process import answer_to

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

HERE = Path(__file__).parents[3]
EXTRA = Path("/usr/local/share/ca-certificates")
"""Where Debian keeps certificates that its machine trusts beside the usual ones."""
TAG = "bugfoundry/service:test"
STARTS_IN = 300.0
GRACE = 70


@pytest.fixture(scope="module")
def image(engine: DockerClient) -> str:
    """The image, built on the base of the tests."""
    extra = "\n".join(place.read_text() for place in sorted(EXTRA.glob("*.crt")))
    given = {name: os.environ.get(name, "") for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")}
    built, _ = engine.images.build(
        path=str(HERE),
        tag=TAG,
        buildargs={"BASE": DEFAULT_TAG, "EXTRA_CA": extra, **given},
        network_mode="host",
        rm=True,
    )
    return str(built.id)


@pytest.fixture
def volume(engine: DockerClient) -> Iterator[str]:
    made = engine.volumes.create(f"bugfoundry-test-{uuid4().hex[:8]}")
    yield made.name
    made.remove(force=True)


@contextmanager
def running(engine: DockerClient, image: str, volume: str) -> Iterator[Container]:
    """The service in a container, as compose.yaml has it."""
    container = engine.containers.run(
        image,
        detach=True,
        init=True,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        tmpfs={"/tmp": "mode=1777,size=64m"},
        volumes={volume: {"bind": "/data"}},
        ports={"8080/tcp": ("127.0.0.1", None)},
        environment={
            "BUGFOUNDRY_APP_ID": "1",
            "BUGFOUNDRY_APP_API_URL": "http://127.0.0.1:9",
            "BUGFOUNDRY_PRIVATE_KEY": private_key(),
            "BUGFOUNDRY_WEBHOOK_SECRET": SECRET,
            "BUGFOUNDRY_WORK_PROCESSES": "0",
        },
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def address(container: Container) -> str:
    """Wait until the service answers, and return where."""
    end = time.monotonic() + STARTS_IN
    while time.monotonic() < end:
        container.reload()
        if ports := (container.ports or {}).get("8080/tcp"):
            url = f"http://127.0.0.1:{ports[0]['HostPort']}"
            if answer_to(urllib.request.Request(f"{url}/healthz"), 5) == (200, "ok\n"):
                return url
        if container.status == "exited":
            break
        time.sleep(0.2)
    raise AssertionError(container.logs().decode())


def deliver(url: str, guid: str) -> tuple[int, str]:
    body = b'{"zen": "Anything added dilutes everything else."}'
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": signature(body, SECRET),
    }
    return answer_to(urllib.request.Request(f"{url}/webhooks", body, headers), 30)


def stopped(container: Container) -> int:
    container.stop(timeout=GRACE)
    return int(container.wait()["StatusCode"])


@pytest.mark.docker
@pytest.mark.network
@pytest.mark.slow
def test_the_image_serves_ends_gracefully_and_loses_nothing(
    engine: DockerClient, image: str, volume: str
) -> None:
    with running(engine, image, volume) as container:
        url = address(container)
        check = engine.images.get(image).attrs["Config"]["Healthcheck"]["Test"]
        assert container.exec_run(check[1:]).exit_code == 0
        assert container.exec_run(["id", "-u"]).output.decode().strip() == "10001"
        assert container.exec_run(["touch", "/opt/bugfoundry/x"]).exit_code != 0
        assert deliver(url, "first") == (202, "taken\n")
        # 137 would say that it had to be killed.
        assert stopped(container) == 143
        log = container.logs().decode()
    assert "stopping" in log
    assert "Traceback" not in log

    with running(engine, image, volume) as container:
        url = address(container)
        assert deliver(url, "first") == (202, "known already\n")
        assert stopped(container) == 143


@pytest.mark.docker
@pytest.mark.network
@pytest.mark.slow
def test_git_and_bubblewrap_are_there_and_neither_compiler_nor_tests(
    engine: DockerClient, image: str
) -> None:
    for command in (["git", "--version"], ["bwrap", "--version"]):
        engine.containers.run(image, entrypoint=command, remove=True)
    listed = engine.containers.run(
        image, entrypoint=["sh", "-c", "ls /opt/bugfoundry/lib/python3*/site-packages"], remove=True
    ).decode()
    assert {"bot", "storage"} <= set(listed.split())
    assert not {"tests", "benchmarks", "pytest"} & set(listed.split())


def test_compose_takes_from_the_service_what_it_does_not_need() -> None:
    service: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())["services"][
        "bugfoundry"
    ]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert service["ports"] == ["127.0.0.1:8080:8080"]
    assert "environment" not in service


def test_the_image_is_built_with_the_uv_of_the_lock_file() -> None:
    lock = (HERE / "uv.lock").read_text()
    version = lock.partition('name = "uv"\nversion = "')[2].partition('"')[0]
    assert f"ARG UV_VERSION={version}\n" in (HERE / "Dockerfile").read_text()


def test_what_is_sent_to_the_engine_is_named_one_by_one() -> None:
    lines = (HERE / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    assert not any(line.startswith(("!.", "!bugfoundry", "!*")) for line in lines)
