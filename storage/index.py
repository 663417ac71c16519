"""The package index: find a project's source distribution and download it, checked."""

from __future__ import annotations

import base64
import configparser
import hashlib
import json
import os
import re
import urllib.error
import urllib.request
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from storage.errors import SourceError
from storage.whole_files import make_once

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

DEFAULT_INDEX = "https://pypi.org/simple"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
TIMEOUT = 60.0
LARGEST_DOWNLOAD = 500 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A source distribution in the index."""

    filename: str
    url: str
    sha256: str
    version: Version
    uploaded: str = ""
    yanked: bool = False


def index_url(environ: Mapping[str, str] | None = None) -> str:
    """Return the configured index: uv's variables, pip's, pip's files, else PyPI."""
    environ = os.environ if environ is None else environ
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if environ.get(name):
            return re.sub(r"^[\w.-]+=(?=\w+:)", "", environ[name])
    return _pip_setting(environ) or DEFAULT_INDEX


def find_sdist(index: str, project: str, version: str = "") -> SourceFile:
    """Return the source distribution of a version, or of the newest final one.

    Raises SourceError when the index, the project, the version or its sdist is not there.
    """
    page = f"{index.rstrip('/')}/{canonicalize_name(project)}/"
    files = _list_files(page, project)
    if version:
        wanted = _version(version, project)
        files = [file for file in files if file.version == wanted]
        if not files:
            raise SourceError(
                f"{project} {version} has no source distribution on the package index; "
                f"choose another version, or the project's git URL"
            )
        return files[-1]
    usable = [file for file in files if not file.yanked]
    final = [file for file in usable if not file.version.is_prerelease]
    if not usable:
        raise SourceError(
            f"{project} has no source distribution on the package index; use its git URL"
        )
    return max(final or usable, key=lambda file: file.version)


def download(file: SourceFile, folder: Path) -> Path:
    """Return the downloaded file, from the folder if it is there. Raises SourceError."""
    place = folder / file.sha256[:16] / file.filename

    def is_whole(there: Path) -> bool:
        return there.exists() and is_promised(file, there.read_bytes())

    return make_once(place, lambda part: part.write_bytes(_get_promised(file)), is_made=is_whole)


def is_promised(file: SourceFile, content: bytes) -> bool:
    """Say whether a content is the one that the index has a digest of."""
    return hashlib.sha256(content).hexdigest() == file.sha256


def _get_promised(file: SourceFile) -> bytes:
    content, _ = _get(file.url, file.filename)
    if not is_promised(file, content):
        raise SourceError(
            f"{file.filename} is not what the index promised (sha256 differs); try again, "
            "or look at the index or proxy in between"
        )
    return content


def _version(text: str, project: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise SourceError(f"{text!r} is no version; write pypi:{project}==1.2.3") from error


def _list_files(page: str, project: str) -> list[SourceFile]:
    """Return the source distributions of a project's page that have a digest."""
    body, kind = _get(page, project)
    packages = _parse_page(body.decode("utf-8", "replace"), kind, page, project)
    files = [file for package in packages if (file := _source_file(package))]
    return [file for file in files if file.sha256]


def _parse_page(text: str, kind: str, page: str, project: str) -> list[DistributionPackage]:
    # Only here: with requests and pydantic, it takes half a second to import.
    from pypi_simple import ProjectPage, UnexpectedRepoVersionWarning, UnsupportedRepoVersionError

    # A page of a later minor version holds more than what is read of it.
    warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
    try:
        if "json" in kind:
            return ProjectPage.from_json_data(json.loads(text), page).packages
        return ProjectPage.from_html(project, text, page).packages
    except (ValueError, UnsupportedRepoVersionError) as error:
        raise SourceError(
            f"the package index lists {project} in a form that cannot be read "
            f"({str(error).splitlines()[0]}); look at the index or proxy in between"
        ) from error


def _source_file(package: DistributionPackage) -> SourceFile | None:
    sha256, uploaded = package.digests.get("sha256", ""), package.upload_time
    # Some indexes put another text than the file's name into the links of their HTML.
    for name in (package.filename, unquote(urlsplit(package.url).path.rpartition("/")[2])):
        if "/" in name:
            continue
        with suppress(InvalidSdistFilename, InvalidVersion):
            return SourceFile(
                filename=name,
                url=package.url,
                sha256=sha256,
                version=parse_sdist_filename(name)[1],
                uploaded=uploaded.isoformat().replace("+00:00", "Z") if uploaded else "",
                yanked=package.is_yanked,
            )
    return None


def _get(url: str, what: str) -> tuple[bytes, str]:
    """Return content and content type. Raises SourceError, without the URL's password."""
    plain, headers = _without_password(url)
    if plain.startswith("file:") and plain.endswith("/"):
        plain += "index.html"
    host = urlsplit(plain).hostname or "the index"
    request = urllib.request.Request(plain, headers={"Accept": ACCEPT, **headers})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            content = answer.read(LARGEST_DOWNLOAD + 1)
            kind = answer.headers.get("Content-Type") or ""
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            raise SourceError(f"{what} is not on the package index; check the spelling") from None
        raise SourceError(f"{host} answered {error.code} for {what}; try again later") from None
    except FileNotFoundError:
        raise SourceError(f"{what} is not on the package index; check the spelling") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, FileNotFoundError):
            raise SourceError(f"{what} is not on the package index; check the spelling") from None
        raise SourceError(
            f"{host} cannot be reached for {what} ({reason}); check the network and the index"
        ) from None
    if len(content) > LARGEST_DOWNLOAD:
        raise SourceError(f"{what} is larger than {LARGEST_DOWNLOAD >> 20} MB; use its git URL")
    return content, kind


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, {}
    user, _, host = parts.netloc.rpartition("@")
    token = base64.b64encode(unquote(user).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {token}"}


def _pip_setting(environ: Mapping[str, str]) -> str:
    """Return the index of pip's configuration files, the most personal first."""
    home = Path(environ.get("HOME") or "~").expanduser()
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    named = [Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else []
    usual = [config_home / "pip/pip.conf", home / ".pip/pip.conf", Path("/etc/pip.conf")]
    for path in named + usual:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        if found := parser.get("global", "index-url", fallback=""):
            return found
    return ""
