"""From what a person names to a repository with its whole history: for crawling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage import clones
from storage.errors import SourceError
from storage.records import Repository
from storage.source_names import RepositorySource
from storage.sources import at_commit, fetch, open_checkout, owner_and_name
from storage.submodules import Upstream
from storage.trees import Trees

NO_HISTORY = "{source}: a package of the index has no history; name its git repository"
NO_CHECKOUT = "{source} is no git checkout, so it has no history; name one, a git URL or owner/name"
NOT_TOP = "{source} is a folder inside the checkout {top}; name that one"
CUT_OFF = "{source}: the history is cut off (a shallow clone); `git fetch --unshallow` there first"
CUT_OFF_THERE = (
    "{source}: the history is cut off there (a shallow clone); name the repository it is of"
)
NO_COMMIT = "{source} has no commit yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloned:
    """A repository with the clone that holds its history."""

    repository: Repository
    git_dir: Path
    head: str
    """The commit that history is read from: where a work tree was changed, the one beneath."""
    url: str
    """Where it was cloned from; empty when it was nowhere."""

    @property
    def full_name(self) -> str:
        return f"{self.repository.owner}/{self.repository.name}"


def fetch_with_history(
    source: RepositorySource,
    *,
    cache: Path,
    trees: Trees,
    token: str = "",
    github: str = clones.GITHUB_URL,
) -> Cloned:
    """Fetch a source with its whole history. ``github`` is where owner/name is looked for.

    Raises SourceError with what to do.
    """
    if source.kind == "pypi":
        raise SourceError(NO_HISTORY.format(source=source.text))
    if source.kind == "path":
        return _checkout(source, cache, trees)
    on_github = source.kind == "github"
    url = f"{github}/{source.place}.git" if on_github else source.place
    env = clones.variables(url, token, github)
    git_dir, commit = clones.fetch_history(url, source.revision, cache=cache, env=env)
    if clones.is_shallow(git_dir):
        raise SourceError(CUT_OFF_THERE.format(source=source.text))
    upstream = Upstream(cache=cache, url=url, token=token, github=github)
    repository = at_commit(source, git_dir, commit, trees, upstream, *owner_and_name(url))
    return Cloned(repository=repository, git_dir=git_dir, head=commit, url=url)


def _checkout(source: RepositorySource, cache: Path, trees: Trees) -> Cloned:
    folder = Path(source.place).expanduser().resolve()
    checkout = open_checkout(folder)
    if checkout is None:
        raise SourceError(NO_CHECKOUT.format(source=source.text))
    git_dir = Path(checkout.git_dir)
    top = checkout.working_tree_dir
    if top is not None and folder not in (Path(top).resolve(), git_dir.resolve()):
        raise SourceError(NOT_TOP.format(source=source.text, top=top))
    if clones.is_shallow(git_dir):
        raise SourceError(CUT_OFF.format(source=source.text))
    try:
        head = clones.resolve(git_dir, source.revision or "HEAD")
    except SourceError as error:
        if source.revision:
            raise
        raise SourceError(NO_COMMIT.format(source=source.text)) from error
    repository = fetch(source, cache=cache, trees=trees)
    urls = (r.config_reader.get_value("url", "") for r in checkout.remotes if r.name == "origin")
    return Cloned(repository=repository, git_dir=git_dir, head=head, url=str(next(urls, "")))


def name_of(source: RepositorySource) -> tuple[str, str]:
    """Return the owner and name that a fetched source is known by, without asking its host."""
    if source.kind == "pypi":
        raise SourceError(NO_HISTORY.format(source=source.text))
    if source.kind == "github":
        return owner_and_name(f"{clones.GITHUB_URL}/{source.place}")
    return owner_and_name(source.place)
