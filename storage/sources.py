"""From what a person names to a repository whose files are in the cache."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from git import Repo
from git.exc import GitError as GitPythonError
from packaging.utils import canonicalize_name

from storage import clones, index, versions
from storage.archives import unpack
from storage.errors import SourceError
from storage.git import GitError, line
from storage.records import Repository
from storage.scratch import scratch_folder
from storage.siblings import find_siblings
from storage.source_names import SUBDIRECTORY, RepositorySource, parse
from storage.submodules import Upstream, adopt_whole, remote_of
from storage.trees import COMMIT_MESSAGE, Trees

__all__ = ["COMMIT_MESSAGE", "RepositorySource", "fetch", "parse"]

LOCAL = "local"
"""Owner of what has none."""


def fetch(
    source: RepositorySource,
    *,
    cache: Path,
    trees: Trees,
    token: str = "",
    github: str = clones.GITHUB_URL,
) -> Repository:
    """Fetch a source into the cache, and return the repository.

    ``github`` is where owner/name is looked for, ``token`` is for there. Raises SourceError with
    what to do.
    """
    if source.kind == "pypi":
        return _fetch_package(source, cache, trees)
    if source.kind == "path":
        return _fetch_path(source, Upstream(cache=cache, url="", token=token, github=github), trees)
    url = f"{github}/{source.place}.git" if source.kind == "github" else source.place
    env = clones.variables(url, token, github)
    git_dir, commit = clones.fetch_clone(url, source.revision, cache=cache, env=env)
    upstream = Upstream(cache=cache, url=url, token=token, github=github)
    found = at_commit(source, git_dir, commit, trees, upstream, *owner_and_name(url))
    if found.version:
        return found
    version = versions.tag_version(source.revision)
    if version is None:
        return replace(found, version=versions.newest(clones.tags_of(git_dir, url, env)))
    return replace(found, version=version.public)


def owner_and_name(url: str) -> tuple[str, str]:
    """Return owner and name of a repository's URL; the owner is ``local`` where it has none."""
    path = re.sub(r"^\w[\w+.-]*://", "", url.rstrip("/")).removesuffix(".git").rstrip("/")
    scp = re.fullmatch(r"[^/:]+@[^/:]+:(.*)", path)
    parts = [part for part in (scp[1] if scp else path.partition("/")[2]).split("/") if part]
    hosted = ("://" in url and not url.startswith("file:")) or scp
    owner = parts[-2] if hosted and len(parts) > 1 else LOCAL
    return _plain(owner), _plain(parts[-1] if parts else "repository")


def _plain(name: str) -> str:
    """Return a name that is safe in ids, file names and branches."""
    return re.sub(r"[^\w.-]+", "-", name.encode("ascii", "replace").decode()).strip("-.") or "x"


def _fetch_package(source: RepositorySource, cache: Path, trees: Trees) -> Repository:
    folder = cache / "sdists"
    file = index.find_sdist(index.index_url(), source.place, source.revision)
    archive = index.download(file, folder)
    with scratch_folder() as unpacked:
        tree = trees.snapshot(unpack(archive, unpacked))
    return Repository(
        owner="pypi",
        name=canonicalize_name(source.place),
        commit=trees.orphan_commit(tree, COMMIT_MESSAGE),
        tree=tree,
        source=source.text,
        date=file.uploaded,
        version=file.version.public,
    )


def _fetch_path(source: RepositorySource, upstream: Upstream, trees: Trees) -> Repository:
    folder = Path(source.place).expanduser().resolve()
    checkout = open_checkout(folder)
    if checkout is None:
        if source.revision:
            raise SourceError(
                f"{source.place} is no git checkout, so it has no {source.revision!r}"
            )
        return _orphan(source, folder, trees, LOCAL, _plain(folder.name))
    owner, name = _origin(checkout) or (LOCAL, _plain(_folder_name(checkout, folder)))
    git_dir = Path(checkout.git_dir)
    upstream = upstream_of(checkout, upstream)
    if source.revision or checkout.bare or folder == git_dir:
        commit = clones.resolve(git_dir, source.revision or "HEAD")
        return at_commit(source, git_dir, commit, trees, upstream, owner, name)
    top = Path(line("rev-parse", "--show-toplevel", cwd=folder)).resolve()
    if folder != top:
        if find_siblings(folder, top):
            inner = folder.relative_to(top).as_posix()
            return _fetch_path(parse(f"{top}#{SUBDIRECTORY}{inner}"), upstream, trees)
        return _orphan(source, folder, trees, owner, _plain(folder.name))
    return _work_tree(source, folder, git_dir, trees, upstream, owner, name)


def open_checkout(folder: Path) -> Repo | None:
    try:
        return Repo(folder, search_parent_directories=True)
    except (GitPythonError, OSError, ValueError):
        return None


def _origin(checkout: Repo) -> tuple[str, str] | None:
    """Return owner and name as the remote ``origin`` says."""
    for remote in checkout.remotes:
        if remote.name == "origin" and (url := remote.config_reader.get_value("url", "")):
            found = owner_and_name(str(url))
            return None if found[0] == LOCAL else found
    return None


def _folder_name(checkout: Repo, folder: Path) -> str:
    if folder.name == ".git":
        return folder.parent.name
    return folder.name.removesuffix(".git")


def _work_tree(
    source: RepositorySource,
    folder: Path,
    git_dir: Path,
    trees: Trees,
    upstream: Upstream,
    owner: str,
    name: str,
) -> Repository:
    """Return a checkout as it is on disk; it is its commit where nothing was changed."""
    plain = _orphan(source, folder, trees, owner, name)
    try:
        head = clones.resolve(folder, "HEAD")
    except SourceError:
        return plain
    described = replace(
        plain,
        date=_date(folder, head),
        version=versions.describe_version(folder, head),
        root=clones.root_of(git_dir, head),
    )
    checked_out = adopt_whole(trees, folder, head, replace(upstream, is_offline=True))
    unchanged = plain.tree in (trees.adopt(folder, head), checked_out)
    return replace(described, commit=head) if unchanged else described


def upstream_of(checkout: Repo, upstream: Upstream) -> Upstream:
    """Return where submodules of a checkout come from: what it holds of them, then its remote."""
    git_dir = Path(checkout.common_dir)
    place = checkout.working_tree_dir or checkout.git_dir
    return replace(upstream, url=remote_of(git_dir) or str(place), modules=git_dir / "modules")


def at_commit(
    source: RepositorySource,
    git_dir: Path,
    commit: str,
    trees: Trees,
    upstream: Upstream,
    owner: str,
    name: str,
) -> Repository:
    """Return a commit's files, whatever lies in a work tree; submodules come from upstream."""
    try:
        tree = adopt_whole(trees, git_dir, commit, upstream)
    except GitError as error:
        raise SourceError(f"{source.text}: its files cannot be read from git ({error})") from error
    return Repository(
        owner=owner,
        name=name,
        commit=commit,
        tree=tree,
        source=source.text,
        date=_date(git_dir, commit),
        version=versions.describe_version(git_dir, commit),
        root=clones.root_of(git_dir, commit),
    )


def _orphan(
    source: RepositorySource, folder: Path, trees: Trees, owner: str, name: str
) -> Repository:
    tree = trees.snapshot(folder)
    if not trees.paths(tree):
        raise SourceError(f"{source.place} holds no files; name the folder of a project")
    commit = trees.orphan_commit(tree, COMMIT_MESSAGE)
    return Repository(owner=owner, name=name, commit=commit, tree=tree, source=source.text)


def _date(git_dir: Path, commit: str) -> str:
    return line("show", "--no-patch", "--format=%cI", commit, cwd=git_dir)
