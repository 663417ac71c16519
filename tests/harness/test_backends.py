"""Choosing a backend, and what an interpreter search finds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

import pytest

from harness.sandboxes import backends, base_image, bubblewrap, docker_build, interpreters
from harness.sandboxes.bubblewrap import Cage
from harness.sandboxes.sandbox import BuildFailed
from storage.errors import SandboxError

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


@pytest.mark.usefixtures("no_engine")
def test_auto_is_local_where_no_engine_answers(tmp_path: Path) -> None:
    assert backends.choose("auto", cache=tmp_path).kind == "local"


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("kind", ["auto", "local"])
def test_a_plain_process_is_refused_where_code_has_to_be_shut_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Literal["auto", "local"]
) -> None:
    monkeypatch.setattr(bubblewrap, "works", lambda *_: False)

    assert backends.choose(kind, cache=tmp_path).kind == "local"
    with pytest.raises(SandboxError, match="never runs as a plain process"):
        backends.choose(kind, cache=tmp_path, isolated=True)


@pytest.mark.usefixtures("no_engine")
def test_docker_without_an_engine_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="--sandbox local") as caught:
        backends.choose("docker", cache=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_engine")
def test_a_base_image_without_an_engine_is_refused_in_one_line() -> None:
    with pytest.raises(SandboxError) as caught:
        base_image.make_base_image("bugfoundry/none:none")
    assert "\n" not in str(caught.value)


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_auto_is_docker_where_an_engine_answers(tmp_path: Path) -> None:
    backend = backends.choose("auto", cache=tmp_path)
    assert backend.kind == "docker"
    assert interpreters.available_pythons(backend)[0] == "3.11"


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_auto_is_local_where_no_base_image_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUGFOUNDRY_BASE_IMAGE", "127.0.0.1:1/nothing:none")

    assert backends.choose("auto", cache=tmp_path).kind == "local"
    with pytest.raises(BuildFailed, match="images base"):
        interpreters.available_pythons(backends.choose("docker", cache=tmp_path))


def test_our_own_version_comes_first(tmp_path: Path) -> None:
    found = interpreters.available_pythons(backends.choose("local", cache=tmp_path))
    assert found[0] == OWN
    assert len(set(found)) == len(found)


def test_our_own_interpreter_is_found_whole() -> None:
    found = interpreters.find_interpreter(OWN)
    assert found.version == ".".join(map(str, sys.version_info[:3]))
    assert found.prefix == Path(sys.base_prefix)


def test_an_absent_interpreter_is_named() -> None:
    with pytest.raises(BuildFailed) as caught:
        interpreters.find_interpreter("3.99")
    assert caught.value.reason == "python-unavailable"


def test_another_python_without_an_image_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(client: object, name: str) -> NoReturn:
        raise BuildFailed("no-base-image", f"{name} cannot be pulled")

    monkeypatch.setattr(docker_build, "fixed_base", lambda client, wanted: None)
    monkeypatch.setattr(docker_build, "obtain", refuse)
    for python, reason in ((OWN, "no-base-image"), ("3.99", "python-unavailable")):
        with pytest.raises(BuildFailed) as caught:
            docker_build.find_base(cast("Any", None), None, python)
        assert caught.value.reason == reason


@pytest.mark.parametrize("user", [None, 4321])
def test_a_cage_shares_no_network_unless_asked(user: int | None) -> None:
    def words(*, network: bool) -> list[str]:
        cage = Cage(read_only=(), writable=(), cwd=Path("/w"), env={}, network=network, user=user)
        return bubblewrap.arguments(cage, ["true"])

    closed, opened = words(network=False), words(network=True)
    assert {"--unshare-all", "--unshare-net"} & set(closed)
    assert "--share-net" not in closed
    assert "--share-net" in opened or "--unshare-net" not in opened
    assert not [word for word in closed if word.endswith("resolv.conf")]


def test_a_cage_drops_all_powers_before_the_command() -> None:
    cage = Cage(read_only=(), writable=(), cwd=Path("/w"), env={}, user=4321)
    words = bubblewrap.arguments(cage, ["the-command"])
    inside = words[words.index("--") :]
    assert inside[1] == "setpriv"
    assert inside[-1] == "the-command"
    assert {"--no-new-privs", "--bounding-set", "--clear-groups"} <= set(inside)
