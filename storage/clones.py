"""Repositories fetched from a URL, kept bare in the cache and brought up to date."""

from __future__ import annotations

import base64
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from storage.errors import SourceError
from storage.git import GitError, git, init_bare
from storage.locks import hold_lock
from storage.records import digest

log = logging.getLogger(__name__)
GITHUB_URL = "https://github.com"
TIP = "refs/bugfoundry/tip"
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
EVERYTHING = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]


def site_of(api_url: str) -> str:
    """Return where the repositories are of the GitHub that has this REST API."""
    url = api_url.rstrip("/")
    return re.sub(r"^(https?://)api\.", r"\1", url.removesuffix("/api/v3"))


def on_site(url: str, site: str) -> bool:
    """Say whether a repository's URL is on a site, by whatever protocol."""
    there, here = urlsplit(site), urlsplit(url)
    if here.scheme in ("http", "https"):
        return here.netloc.rpartition("@")[2].lower() == there.netloc.lower()
    host = here.hostname if here.scheme else url.partition("@")[2].partition(":")[0].lower()
    return bool(host) and host == there.hostname


def variables(url: str, token: str, github: str) -> dict[str, str]:
    """Return the variables with which git asks for a URL: a GitHub's token for that one alone."""
    return github_variables(token, github) if on_site(url, github) else {}


def github_variables(token: str, url: str = GITHUB_URL) -> dict[str, str]:
    """Return variables that give git a token for GitHub, seen in no argument list or URL.

    ``url`` is where repositories are on another GitHub: an Enterprise Server.
    """
    if not token:
        return {}
    encoded = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{url}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {encoded}",
    }


def fetch_clone(
    url: str, revision: str, *, cache: Path, env: Mapping[str, str] | None = None
) -> tuple[Path, str]:
    """Return the clone's git directory and the commit of the revision, the newest by default.

    Shallow where it can be. When the host does not answer, what was fetched before serves, and
    a warning says so. Raises SourceError.
    """
    git_dir = cache / "clones" / f"{digest(url)[:24]}.git"
    with hold_clone(git_dir):
        return git_dir, _fetch_tip(git_dir, url, revision, env)


@contextmanager
def hold_clone(git_dir: Path) -> Iterator[None]:
    """Keep others from fetching into a clone, made if need be, for git lets only one do so.

    Git's own locks outlive a process that is killed, and stop every later one; whoever holds
    the clone knows that nobody uses them.
    """
    with hold_lock(lock_of(git_dir)):
        init_bare(git_dir)
        for left in (*git_dir.glob("*.lock"), *(git_dir / "refs").rglob("*.lock")):
            left.unlink(missing_ok=True)
        for left in git_dir.glob("objects/pack/tmp_*"):
            left.unlink(missing_ok=True)
        yield


def lock_of(git_dir: Path) -> Path:
    """Name the lock of those who fetch; another guards the making of the repository."""
    return git_dir.with_name(f"{git_dir.name}.fetch.lock")


def _fetch_tip(git_dir: Path, url: str, revision: str, env: Mapping[str, str] | None) -> str:
    try:
        return _fetch(git_dir, url, revision, env)
    except GitError as error:
        known = _find_commit(git_dir, revision)
        if known is None or not _unreachable(error):
            raise SourceError(_explain(url, revision, error)) from error
        log.warning("%s cannot be reached; using what was fetched before (%s)", url, known[:12])
        return known


def fetch_history(
    url: str, revision: str, *, cache: Path, env: Mapping[str, str] | None = None
) -> tuple[Path, str]:
    """Return a clone that holds the whole history of every branch, and the revision's commit.

    Kept apart from what ``fetch_clone`` keeps, which is shallow and would cut it off again. When
    the host does not answer, what was fetched before serves. Raises SourceError.
    """
    git_dir = cache / "histories" / f"{digest(url)[:24]}.git"
    with hold_clone(git_dir):
        return git_dir, _fetch_all(git_dir, url, revision, env)


def _fetch_all(git_dir: Path, url: str, revision: str, env: Mapping[str, str] | None) -> str:
    # A host whose own history is cut off is told by what it gives, not by refs left out.
    cut_off = ["--unshallow"] if (git_dir / "shallow").exists() else []
    try:
        _fetch_refs(
            git_dir, url, ["--update-shallow", *cut_off], ["+HEAD:" + TIP, *EVERYTHING], env
        )
        if COMMIT.fullmatch(revision) and _find_commit(git_dir, revision) is None:
            # Of a pull request from a fork no branch here tells.
            _fetch_refs(git_dir, url, ["--no-tags"], [f"+{revision}:{_ref(revision)}"], env)
        return resolve(git_dir, revision or TIP)
    except GitError as error:
        known = _find_commit(git_dir, revision)
        if known is None or not _unreachable(error):
            raise SourceError(_explain(url, revision, error)) from error
        log.warning("%s cannot be reached; using what was fetched before (%s)", url, known[:12])
        return known


def forget(url: str, *, cache: Path) -> int:
    """Remove what was fetched from a URL, and return how many clones that were."""
    places = [cache / kind / f"{digest(url)[:24]}.git" for kind in ("clones", "histories")]
    there = [place for place in places if place.exists()]
    for place in there:
        with hold_lock(lock_of(place)):
            shutil.rmtree(place, ignore_errors=True)
    return len(there)


def is_ancestor(git_dir: Path, old: str, new: str) -> bool:
    """Say whether a commit is in the history of another; not where either is not here."""
    try:
        git("merge-base", "--is-ancestor", old, new, cwd=git_dir)
    except GitError:
        return False
    return True


def merge_base(git_dir: Path, one: str, other: str) -> str:
    """Return where two commits parted. Raises GitError when they have nothing in common."""
    return git("merge-base", one, other, cwd=git_dir).decode().strip()


def is_shallow(git_dir: Path) -> bool:
    """Say whether the history of a clone was cut off."""
    answer = git(f"--git-dir={git_dir}", "rev-parse", "--is-shallow-repository")
    return answer.strip() == b"true"


def root_of(git_dir: Path, commit: str) -> str:
    """Return the first commit of the main line that leads to one; empty where it was cut off."""
    if is_shallow(git_dir):
        return ""
    words = ("rev-list", "--first-parent", "--max-parents=0", commit)
    return git(f"--git-dir={git_dir}", *words).decode().strip()


def tags_of(git_dir: Path, url: str, env: Mapping[str, str] | None = None) -> list[str]:
    """Return the tags of a repository; none when it cannot be asked."""
    try:
        listed = git("ls-remote", "--tags", "--refs", "--", url, cwd=git_dir, env=env)
    except GitError:
        return []
    return [
        line.rpartition("refs/tags/")[2] for line in listed.decode("utf-8", "replace").split("\n")
    ]


def has_commit(git_dir: Path, commit: str) -> bool:
    """Say whether a commit is in a repository."""
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}", cwd=git_dir)
    except GitError:
        return False
    return True


def resolve(git_dir: Path, revision: str) -> str:
    """Return the commit a revision names. Raises SourceError when there is none."""
    for name in (revision, f"refs/remotes/origin/{revision}"):
        try:
            found = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=git_dir)
        except GitError:
            continue
        return found.decode().strip()
    raise SourceError(f"no commit, branch or tag {revision!r} there; check the spelling")


def _fetch(git_dir: Path, url: str, revision: str, env: Mapping[str, str] | None) -> str:
    if not revision:
        _fetch_refs(git_dir, url, ["--depth=1", "--no-tags"], ["+HEAD:" + TIP], env)
        return resolve(git_dir, TIP)
    kept = _ref(revision)
    try:
        _fetch_refs(git_dir, url, ["--depth=1", "--no-tags"], [f"+{revision}:{kept}"], env)
        return resolve(git_dir, kept)
    except GitError as error:
        if _unreachable(error):
            raise
    shallow = (git_dir / "shallow").exists()
    _fetch_refs(git_dir, url, ["--unshallow"] if shallow else [], EVERYTHING, env)
    return resolve(git_dir, revision)


def _fetch_refs(
    git_dir: Path, url: str, options: list[str], refs: list[str], env: Mapping[str, str] | None
) -> None:
    git("fetch", "--quiet", "--force", *options, "--", url, *refs, cwd=git_dir, env=env)


def _ref(revision: str) -> str:
    return f"refs/bugfoundry/{digest(revision)[:24]}" if revision else TIP


def _find_commit(git_dir: Path, revision: str) -> str | None:
    for name in [_ref(revision)] + ([revision] if revision else []):
        try:
            return resolve(git_dir, name)
        except SourceError:
            continue
    return None


def _unreachable(error: GitError) -> bool:
    signs = (
        "resolve host",
        "onnect",
        "timed out",
        "unable to access",
        "Could not read from remote",
    )
    return any(sign in str(error) for sign in signs)


def _explain(url: str, revision: str, error: GitError) -> str:
    said = str(error)
    if "could not read Username" in said or "Authentication failed" in said:
        hint = "it does not exist or is private; check the spelling, or give a token"
    elif "not found" in said or "does not appear to be a git repository" in said:
        hint = "there is no such repository; check the spelling"
    elif _unreachable(error):
        hint = "it cannot be reached; check the URL and the network"
    elif "remote ref HEAD" in said:
        hint = "it has no commit yet"
    else:
        hint = "check the URL and the revision"
    return f"{url}{'@' + revision if revision else ''}: {hint} ({said})"
