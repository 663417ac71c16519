"""The package index as a server: both forms of its pages, a password, and what is no page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from packaging.version import Version

from storage.errors import SourceError
from storage.index import JSON_TYPE, SourceFile, download, find_sdist

CONTENT = b"not even an archive"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PASSWORD = "me@work:se/cret"

Pages = dict[str, tuple[str, bytes]]
Serve = Callable[..., str]


class Index(BaseHTTPRequestHandler):
    def __init__(self, pages: Pages, password: str, *arguments: Any) -> None:
        self.pages, self.password = pages, password
        super().__init__(*arguments)

    def do_GET(self) -> None:
        wanted = f"Basic {base64.b64encode(self.password.encode()).decode()}"
        if self.password and self.headers["Authorization"] != wanted:
            self.send_error(401)
        elif self.path not in self.pages:
            self.send_error(404)
        else:
            kind, body = self.pages[self.path]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve pages by path, and return the index's URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(pages: Pages, password: str = "") -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, pages, password))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/simple"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def listed(*files: dict[str, object], version: str = "1.1") -> Pages:
    """A page in JSON, as https://peps.python.org/pep-0691 has it."""
    page = {"meta": {"api-version": version}, "name": "demo", "files": list(files)}
    return {"/simple/demo/": (JSON_TYPE, json.dumps(page).encode())}


def file_of(version: str, **changed: object) -> dict[str, object]:
    name = f"demo-{version}.tar.gz"
    return {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": SHA256}} | changed


def test_find_sdist_reads_json(serve: Serve) -> None:
    index = serve(
        listed(
            file_of("1.0", **{"upload-time": "2024-04-16T21:28:15.614771Z"}),
            file_of("2.0", yanked="broken"),
            file_of("3.0", hashes={"md5": "0"}),
            file_of("4.0", filename="../demo-4.0.tar.gz", url="x"),
            {**file_of("5.0"), "filename": "demo-5.0-py3-none-any.whl", "url": "demo.whl"},
        )
    )

    found = find_sdist(index, "Demo")

    assert found.filename == "demo-1.0.tar.gz"
    assert found.url == f"{index.removesuffix('/simple')}/files/demo-1.0.tar.gz"
    assert (str(found.version), found.sha256) == ("1.0", SHA256)
    assert found.uploaded == "2024-04-16T21:28:15.614771Z"
    assert find_sdist(index, "demo", "2.0").yanked


def test_find_sdist_reads_html_whatever_its_links_say(serve: Serve) -> None:
    links = "\n".join(
        f'<a href="/f/demo-{version}.tar.gz#sha256={SHA256}" {more}>{text}</a>'
        for version, more, text in (
            ("1.0", "", "demo-1.0.tar.gz"),
            ("1.1", "", "download"),
            ("1.2", 'data-yanked=""', "demo-1.2.tar.gz"),
        )
    )
    index = serve({"/simple/demo/": ("text/html", f"<!DOCTYPE html>{links}".encode())})

    found = find_sdist(index, "demo")

    assert (found.filename, found.sha256) == ("demo-1.1.tar.gz", SHA256)
    assert urlsplit(found.url).path == "/f/demo-1.1.tar.gz"


def test_page_of_a_later_minor_version_is_read(serve: Serve) -> None:
    assert find_sdist(serve(listed(file_of("1.0"), version="1.99")), "demo").sha256 == SHA256


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON_TYPE, b"<html>log in first</html>"),
        (JSON_TYPE, b'{"message": "no"}'),
        (JSON_TYPE, listed(version="2.0")["/simple/demo/"][1]),
    ],
)
def test_page_that_cannot_be_read_is_one_line(serve: Serve, kind: str, body: bytes) -> None:
    with pytest.raises(SourceError, match="lists demo in a form that cannot be read") as error:
        find_sdist(serve({"/simple/demo/": (kind, body)}), "demo")

    assert "\n" not in str(error.value)


def test_password_goes_to_the_index_and_into_no_message(serve: Serve, tmp_path: Path) -> None:
    pages = listed(file_of("1.0")) | {"/files/demo-1.0.tar.gz": ("", CONTENT)}
    plain = serve(pages, PASSWORD)
    index = plain.replace("//", "//me%40work:se%2Fcret@")

    found = find_sdist(index, "demo")
    assert download(found, tmp_path).read_bytes() == CONTENT

    with pytest.raises(SourceError, match="answered 401") as error:
        find_sdist(plain, "demo")
    assert "secret" not in str(error.value)


def test_download_larger_than_the_limit_is_refused(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.index.LARGEST_DOWNLOAD", len(CONTENT) - 1)
    index = serve({"/f": ("", CONTENT)}).removesuffix("/simple")
    file = SourceFile(filename="f", url=f"{index}/f", sha256=SHA256, version=Version("1"))

    with pytest.raises(SourceError, match="larger than"):
        download(file, tmp_path)
