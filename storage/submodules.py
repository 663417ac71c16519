"""Take in the files of submodules, from where ``.gitmodules`` says, and those of Git LFS.

The file is a stranger's, so its URLs are bounded. One that is on this machine is followed for a
source on this machine alone; no other's is asked with a token or a key, nor inside a network that
is not public.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from storage import clones
from storage.errors import SourceError
from storage.git import GitError, git
from storage.lfs import fill_pointers
from storage.source_names import SCP, parse
from storage.trees import Trees

log = logging.getLogger(__name__)
MODULES = ".gitmodules"
MOST = 100
"""Submodules of one repository, those inside others counted."""
DEEPEST = 8
LOCAL_NAMES = re.compile(r"localhost|.*\.(?:localhost|local|internal)", re.IGNORECASE)
LEFT_OUT = "submodule %s is left out: %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a repository's submodules may come from."""

    cache: Path
    url: str
    """The repository's own URL, or its folder: relative URLs start there."""
    token: str = ""
    github: str = clones.GITHUB_URL
    modules: Path | None = None
    """Folder where git keeps those that are checked out (``.git/modules``)."""
    is_offline: bool = False
    """Only those that are checked out are taken."""
    taken: list[str] = field(default_factory=list, compare=False)
    """Submodules so far."""

    @property
    def is_local(self) -> bool:
        return is_local_url(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """One entry of ``.gitmodules``."""

    name: str
    path: str
    url: str


def adopt_whole(
    trees: Trees, git_dir: Path, revision: str, upstream: Upstream, depth: int = 0
) -> str:
    """Return the tree of a revision with the files of its submodules; what is left out is logged.

    Raises SourceError.
    """
    tree = trees.copy(git_dir, revision)
    commits = trees.submodules(tree)
    known = {each.path: each for each in read_modules(trees, tree)} if commits else {}
    found: dict[str, str] = {}
    for path, commit in commits.items():
        try:
            found[path] = take_submodule(trees, known.get(path), commit, upstream, depth)
        except SourceError as error:
            if not upstream.is_offline:
                log.warning(LEFT_OUT, path, error)
    own = fill_own_pointers(trees, trees.graft(tree, {}), git_dir, revision, upstream)
    return trees.graft(own, found)


def fill_own_pointers(
    trees: Trees, tree: str, git_dir: Path, revision: str, upstream: Upstream
) -> str:
    """Return a tree with files of Git LFS; nothing is fetched into a person's own checkout."""
    if upstream.modules is not None:
        return fill_pointers(trees, tree, upstream.modules.parent, "", revision, None)
    env = clones.variables(upstream.url, upstream.token, upstream.github)
    return fill_pointers(trees, tree, git_dir, upstream.url, revision, env)


def take_submodule(
    trees: Trees, submodule: Submodule | None, commit: str, upstream: Upstream, depth: int
) -> str:
    """Return the tree of one submodule's commit. Raises SourceError with the reason."""
    if submodule is None:
        raise SourceError(f"{MODULES} does not name it")
    upstream.taken.append(submodule.path)
    if depth >= DEEPEST or len(upstream.taken) > MOST:
        raise SourceError(f"no more than {MOST} submodules are taken, {DEEPEST} inside each other")
    modules = place_of(submodule, upstream)
    if modules is not None and clones.has_commit(modules, commit):
        inner = replace(
            upstream, url=remote_of(modules) or upstream.url, modules=modules / "modules"
        )
        return adopt_whole(trees, modules, commit, inner, depth + 1)
    if upstream.is_offline:
        raise SourceError("it is not checked out")
    url = resolve_url(submodule.url, upstream)
    token = upstream.token if is_own(url, upstream) else ""
    inner = replace(upstream, url=url, token=token, modules=None)
    env = clones.variables(url, token, upstream.github)
    git_dir, _ = clones.fetch_clone(url, commit, cache=upstream.cache, env=env)
    return adopt_whole(trees, git_dir, commit, inner, depth + 1)


def read_modules(trees: Trees, tree: str) -> list[Submodule]:
    """Return the entries of a tree's ``.gitmodules`` that have a path and a URL."""
    data = trees.read_file(tree, MODULES)
    if data is None:
        return []
    try:
        listed = git("config", "--file=-", "--no-includes", "--list", "--null", stdin=data)
    except GitError:
        return []
    sections: dict[str, dict[str, str]] = {}
    for record in listed.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = record.partition("\n")
        if match := re.fullmatch(r"submodule\.(.+)\.(path|url)", key, re.DOTALL):
            sections.setdefault(match[1], {})[match[2]] = value
    return [
        Submodule(name=name, path=each["path"].rstrip("/"), url=each["url"])
        for name, each in sections.items()
        if each.keys() >= {"path", "url"}
    ]


def list_left_out(trees: Trees, tree: str) -> list[str]:
    """Return the paths of submodules of which a tree holds no file, sorted."""
    paths = trees.paths(tree)
    if MODULES not in paths:
        return []
    named = {each.path for each in read_modules(trees, tree)}
    return sorted(name for name in named if not any(p.startswith(f"{name}/") for p in paths))


def place_of(submodule: Submodule, upstream: Upstream) -> Path | None:
    """Return where git keeps a submodule that is checked out; names must not lead elsewhere."""
    parts = PurePosixPath(submodule.name).parts
    if upstream.modules is None or not parts or {"..", "/"} & set(parts):
        return None
    place = upstream.modules / submodule.name
    inside = place.resolve().is_relative_to(upstream.modules.resolve())
    return place if inside and (place / "HEAD").is_file() else None


def remote_of(git_dir: Path) -> str:
    """Return the URL that a clone came from; empty where it says none."""
    try:
        return git("config", "--get", "remote.origin.url", cwd=git_dir).decode().strip()
    except GitError:
        return ""


def resolve_url(url: str, upstream: Upstream) -> str:
    """Return a submodule's URL in full, as it may be asked. Raises SourceError."""
    if "::" in url or url.startswith("-") or not url.isprintable():
        raise SourceError(f"its URL {url!r} is none that is followed")
    full = join_urls(upstream.url, url) if url.startswith(("./", "../")) else url
    if is_local_url(full):
        if not upstream.is_local:
            raise SourceError(f"its URL {url!r} is on this machine, and the repository is not")
        return full
    if parse(full).kind != "git":
        raise SourceError(f"its URL {url!r} is none that is followed")
    full = without_key(full, upstream)
    if not is_public_host(full) and host_of(full) != host_of(upstream.url):
        raise SourceError(f"its URL {url!r} is inside a network that is not public")
    return full


def join_urls(base: str, relative: str) -> str:
    """Return a relative URL in full, as git does (https://git-scm.com/docs/gitmodules)."""
    base, rest = base.rstrip("/"), relative
    while rest.startswith(("./", "../")):
        if rest.startswith("../"):
            cut = max(base.rfind("/"), base.rfind(":"))
            start = base.find("://") + 3 if "://" in base else 1
            if cut < start:
                raise SourceError(f"its URL {relative!r} leads above {base}")
            base = base[:cut] if base[cut] == "/" else base[: cut + 1]
        rest = rest.partition("/")[2]
    return f"{base}{rest}" if base.endswith(":") else f"{base}/{rest}"


def is_local_url(url: str) -> bool:
    """Say whether a URL is a place on this machine."""
    # A colon in the first part makes it a host's, with or without a user.
    return url.lower().startswith("file:") or ":" not in url.partition("/")[0]


def host_of(url: str) -> str:
    """Return the host that a URL is asked at."""
    if "://" in url:
        return urlsplit(url).hostname or ""
    found = SCP.fullmatch(url)
    return found["host"].rpartition("@")[2] if found else ""


def is_public_host(url: str) -> bool:
    """Say whether a URL's host is no name or address of an inner network."""
    host = host_of(url)
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not LOCAL_NAMES.fullmatch(host)


def is_own(url: str, upstream: Upstream) -> bool:
    """Say whether a submodule belongs to the repository's owner, on the same host."""
    here, there = (urlsplit(each).path.strip("/").partition("/")[0] for each in (upstream.url, url))
    return host_of(url) == host_of(upstream.url) and here.lower() == there.lower()


def without_key(url: str, upstream: Upstream) -> str:
    """Return an address that no key of this machine opens, where the repository needed none."""
    asks_by_key = not upstream.is_local and not upstream.url.lower().startswith(("http", "git:"))
    path = ""
    if found := SCP.fullmatch(url):
        path = found["path"]
    elif url.lower().startswith("ssh:"):
        path = urlsplit(url).path.lstrip("/")
    if not path or (asks_by_key and host_of(url) == host_of(upstream.url)):
        return url
    return f"https://{host_of(url)}/{path}"
