"""The service as a process: what comes over the wire, and what happens to its disk."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.service.inbox.webhooks import LARGEST
from storage.store import Store
from tests.bot.service.process import Serving, serving
from tests.furniture.github_world import github_world
from tests.furniture.github_world.descriptions import Descriptions

pytestmark = pytest.mark.slow

LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin immediate")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One for the tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("service")) as service:
        yield service


def padded(size: int) -> bytes:
    """A payload of exactly so many bytes."""
    frame = json.dumps({"repository": {"id": 7}, "padding": ""}).encode()
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]


def stored(service: Serving, guid: str) -> bytes | None:
    with Store(service.store) as store:
        found = store.deliveries.get(guid)
    return None if found is None else found.body


def talk(service: Serving, head: dict[str, str], *, chunked: bool = False) -> socket.socket:
    """Begin a request by hand."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    wire = socket.create_connection((host, int(port)), timeout=300)
    head = {"Host": host, **head, **({"Transfer-Encoding": "chunked"} if chunked else {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    wire.sendall(f"POST /webhooks HTTP/1.1\r\n{lines}\r\n".encode())
    return wire


def status_of(wire: socket.socket) -> int:
    with wire, wire.makefile("rb") as file:
        return int(file.readline().split()[1])


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_a_delivery_as_large_as_github_sends_is_kept_whole(service: Serving) -> None:
    body = padded(LARGEST)
    assert service.deliver("push", body, guid="large") == (202, "taken\n")
    assert stored(service, "large") == body


def test_one_byte_more_is_refused(service: Serving) -> None:
    status, text = service.deliver("push", padded(LARGEST + 1), guid="too-large")
    assert (status, "larger than" in text) == (413, True)
    assert stored(service, "too-large") is None


def test_what_comes_in_pieces_without_a_length_is_taken(service: Serving) -> None:
    body = padded(1024 * 1024)
    wire = talk(service, service.headers("push", body, guid="pieces"), chunked=True)
    for begin in range(0, len(body), 100_000):
        wire.sendall(chunk(body[begin : begin + 100_000]))
    wire.sendall(b"0\r\n\r\n")
    assert status_of(wire) == 202
    assert stored(service, "pieces") == body


def test_pieces_without_end_are_refused_at_the_limit(service: Serving) -> None:
    wire = talk(service, service.headers("push", b"", guid="endless"), chunked=True)
    piece = chunk(b"x" * 1024 * 1024)
    sent = 0
    try:
        while sent < 40:
            wire.sendall(piece)
            sent += 1
    except (BrokenPipeError, ConnectionResetError):
        # It was answered and closed while we were sending.
        pass
    with wire, wire.makefile("rb") as file:
        try:
            answered = file.readline()
        except ConnectionResetError:
            answered = b""
    assert answered == b"" or b" 413 " in answered
    assert stored(service, "endless") is None
    assert service.get("/healthz") == (200, "ok\n")


def test_a_client_that_sends_a_byte_a_second_is_not_waited_for(service: Serving) -> None:
    body = b'{"a": "%s"}' % (b"x" * 60)
    head = service.headers("push", body, guid="slow") | {"Content-Length": str(len(body))}
    wire = talk(service, head)
    wire.settimeout(1.0)
    answered = b""
    for at in range(30):
        wire.sendall(body[at : at + 1])
        try:
            answered = wire.recv(4096)
            break
        except TimeoutError:
            assert service.get("/healthz") == (200, "ok\n")
    wire.close()
    assert answered.startswith(b"HTTP/1.1 408 ")
    assert stored(service, "slow") is None


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, {}, 400),
        (b"[" * 10_000 + b"]" * 10_000, {}, 400),
        (b"payload=%7B%7D", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (b"{", {}, 400),
        (b"{}", {"X_Hub_Signature_256": "sha256=" + "0" * 64}, 401),
        (b"{}", {"X_Hub_Signature_256": ""}, 401),
    ],
    ids=["deep", "deep array", "form", "broken", "wrong signature", "no signature"],
)
def test_what_is_no_delivery_is_refused_and_nothing_is_kept(
    service: Serving, body: bytes, headers: dict[str, str], status: int
) -> None:
    answered, text = service.deliver("push", body, guid="refused", **headers)
    assert (answered, text.count("\n")) == (status, 1)
    assert stored(service, "refused") is None


def test_what_is_refused_leaves_neither_secret_nor_payload_in_the_log(service: Serving) -> None:
    service.deliver("push", b'{"token": "ghs_verysecret"', guid="told")
    assert "delivery refused status=400" in service.log
    assert "verysecret" not in service.log
    assert service.secret not in service.log


def test_a_store_locked_by_another_program_is_told_in_time_and_taken_up_later(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as service:
        command = [sys.executable, "-c", LOCK, str(service.store)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "locked\n"
            # GitHub itself gives up after ten seconds.
            status, text = service.deliver(guid="locked", timeout=10)
            assert (status, "redeliver it later" in text) == (503, True)
            assert service.get("/healthz") == (200, "ok\n")
            holder.communicate("")
        assert service.deliver(guid="locked") == (202, "taken\n")
        assert stored(service, "locked") == b"{}"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_told_and_taken_up_when_there_is_room(tmp_path: Path, small: Path) -> None:
    with serving(tmp_path, store=small / "bugfoundry.db") as service:
        assert service.deliver(guid="before") == (202, "taken\n")
        filler = small / "filler"
        with (
            filler.open("wb", buffering=0) as file,
            pytest.raises(OSError, match="No space left"),
        ):
            while True:
                file.write(os.urandom(4096))
        noise = json.dumps({"noise": os.urandom(100_000).hex()}).encode()
        status, text = service.deliver("push", noise, guid="full")
        assert (status, "redeliver it later" in text) == (503, True)
        assert service.get("/healthz") == (200, "ok\n")

        filler.unlink()
        assert service.deliver("push", noise, guid="full") == (202, "taken\n")
        assert stored(service, "full") == noise
        assert stored(service, "before") == b"{}"
        assert service.stop() == 143


def test_a_second_service_on_the_same_store_is_told_in_a_line(service: Serving) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "bot", "serve", "--config", str(service.config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert second.returncode == 1
    assert second.stderr.strip().splitlines() == [
        f"bugfoundry: another service runs on {service.store}; stop it first"
    ]
    assert service.get("/readyz") == (200, "ready\n")


def test_a_delivery_that_is_under_way_is_taken_before_the_service_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        body = padded(1000)
        head = service.headers("push", body, guid="late") | {"Content-Length": str(len(body))}
        wire = talk(service, head)
        wire.sendall(body[:500])
        until(lambda: service.get("/healthz") == (200, "ok\n"))
        service.process.terminate()
        until(lambda: "stopping" in service.log)
        wire.sendall(body[500:])
        assert status_of(wire) == 202
        assert service.process.wait(300) == 143
        assert stored(service, "late") == body
        assert "Traceback" not in service.log


def test_what_was_stored_but_not_done_is_done_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        for number in range(50):
            assert service.deliver("star", {}, guid=f"g{number}")[0] == 202
        service.kill()
        service.start()
        until(lambda: states(service) == {"done": 50})


@pytest.mark.github
async def test_a_clock_that_is_off_is_told_where_the_operator_looks(
    descriptions: Descriptions, tmp_path: Path
) -> None:
    async with github_world(descriptions, real_time=True, minutes_ahead=-11) as world:
        app = world.app(own_key=True)
        service = Serving(tmp_path, app_id=str(app.id), api_url=world.api, key=app.pem)
        await asyncio.to_thread(service.start)
        try:
            await asyncio.to_thread(until, lambda: "minutes ahead of GitHub's" in service.log)
            assert await asyncio.to_thread(service.deliver) == (202, "taken\n")
        finally:
            await asyncio.to_thread(service.kill)
    assert "this machine's clock is 11 minutes ahead of GitHub's; set the clock" in service.log
    assert "Traceback" not in service.log


def states(service: Serving) -> dict[str, int]:
    with Store(service.store) as store:
        counted = store.jobs.counts()
    return {one.state: one.jobs for one in counted if one.queue == "inbox"}


def until(holds: object, *, patience: float = 300.0) -> None:
    assert callable(holds)
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
