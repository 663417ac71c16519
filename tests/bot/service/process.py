"""The service as a process of its own, for tests: started, delivered to, stopped, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.service.inbox.webhooks import signature
from tests.bot.service.made import SECRET, private_key

STARTS_IN = 300.0
NOBODY = "http://127.0.0.1:9"
"""Where no GitHub is."""


class Serving:
    """One ``bugfoundry serve``, and the folder it lives in."""

    def __init__(self, folder: Path, *, app_id: str = "1", api_url: str = NOBODY,
                 key: str = "", secret: str = SECRET, store: Path | None = None,
                 port: int = 0, settings: str = "") -> None:  # fmt: skip
        self.folder = folder
        self.secret = secret
        self.store = store or folder / "bugfoundry.db"
        self.config = folder / "bugfoundry.toml"
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._starts = 0
        write_private(folder / "key.pem", key or private_key())
        write_private(folder / "hook", secret)
        self.config.write_text(
            f"""
[app]
id = "{app_id}"
slug = "bugfoundry"
private_key_file = "key.pem"
webhook_secret_file = "hook"
api_url = "{api_url}"
[serve]
port = {port}
store = "{self.store}"
cache = "{folder / "cache"}"
[work]
processes = 0
{settings}
"""
        )

    @property
    def log(self) -> str:
        """All that it said since it was started first."""
        return "".join(place.read_text() for place in sorted(self.folder.glob("log-*")))

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._starts += 1
        place = self.folder / f"log-{self._starts:03}"
        with place.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, text=True,
            )  # fmt: skip
        until = time.monotonic() + STARTS_IN
        while time.monotonic() < until:
            if found := re.search(r"^serving at (\S+)", place.read_text(), re.M):
                self.url = found[1]
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the service did not start: {place.read_text()}")

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(300)

    def kill(self) -> None:
        """End it as the system would."""
        self.process.kill()
        self.process.wait()

    def deliver(
        self,
        event: str = "ping",
        payload: Mapping[str, Any] | bytes = b"{}",
        *,
        guid: str = "",
        timeout: float = 300,
        **headers: str,
    ) -> tuple[int, str]:
        """Hand a signed delivery over, and return status and text of the answer."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sent = self.headers(event, body, guid=guid or str(uuid4()))
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.url}/webhooks", body, sent, method="POST")
        return answer_to(request, timeout)

    def headers(self, event: str, body: bytes, *, guid: str) -> dict[str, str]:
        """Return the headers that GitHub sends with a body."""
        return {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": signature(body, self.secret),
        }

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return answer_to(urllib.request.Request(self.url + path), 300)


def answer_to(request: urllib.request.Request, timeout: float) -> tuple[int, str]:
    """Return status and text of an answer, whatever it is; 0 when there is none."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return 0, ""


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Serving]:
    """A service that is started, and ended with the block."""
    service = Serving(folder, **settings)
    service.start()
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill()


def write_private(place: Path, text: str) -> None:
    """Write what only its owner may read."""
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
