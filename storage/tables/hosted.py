"""The part of the store that knows where the App is installed, and what is opted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.tables import rows
from storage.tables.rows import Row
from storage.tables.table import Tables

InstallationState = Literal["active", "suspended", "gone"]
HostedState = Literal["active", "archived", "gone", "suspended"]
Mark = Literal["wanted", "skip"]

WITHHELD = """
    select distinct bugs.tree from bugs join hosted_trees on hosted_trees.tree = bugs.tree
    where not exists (
        select 1 from hosted_trees as link join hosted on hosted.id = link.repository
        where link.tree = bugs.tree and hosted.opted_in = 1 and hosted.private <= ?
            and hosted.state != 'gone')
"""
"""Trees that belong to repositories on GitHub none of which lets its tasks be given away."""

SKIPPED = """
    with recursive out(bug) as (
        select origins.bug from marks
            join hosted_trees on hosted_trees.repository = marks.repository
            join bugs on bugs.tree = hosted_trees.tree
            join origins on origins.bug = bugs.id and origins.pull = marks.number
        where marks.mark = 'skip' and origins.strategy = 'mirror'
        union
        select origins.bug from origins, json_each(origins.parents) as parent
            join out on out.bug = parent.value
    )
    select bug from out
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An account on GitHub where the App is installed."""

    id: int
    account: str
    kind: str = "User"
    """``User`` or ``Organization``."""
    state: InstallationState = "active"
    selection: str = "selected"
    """``all`` or ``selected`` repositories."""
    permissions: str = "{}"
    """JSON, as GitHub has it."""
    looked: float = 0.0
    """When it was last looked at, in seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A repository on GitHub that the App can see, as it was last seen."""

    id: int
    """GitHub's number: it stays when the repository is renamed or moved."""
    installation: int
    name: str
    """``owner/name`` as GitHub has it now."""
    private: bool = False
    state: HostedState = "active"
    default_branch: str = "main"
    head: str = ""
    """The newest commit of the default branch that is known."""
    opted_in: bool = False
    since: float = 0.0
    """When it was opted in or out."""
    because: str = ""
    """Why it is opted in or out, in a few words."""
    settings: str = "{}"
    """JSON of what its ``.github/bugfoundry.yml`` says to the App."""
    commit: str = ""
    """The commit whose environment serves; new bugs are made on it."""
    tree: str = ""
    built: float = 0.0
    """When that environment was built."""
    looked: float = 0.0

    @property
    def stale(self) -> bool:
        """Whether the default branch has moved on from the commit that serves."""
        return bool(self.commit and self.head and self.commit != self.head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What a maintainer wants of one pull request."""

    repository: int
    number: int
    mark: Mark
    by: str = ""
    """How somebody said so, and who: ``label ann``, ``comment ann``."""
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubWrite:
    """Something the App wrote to GitHub, so that it is found again and not written twice."""

    key: str
    repository: int
    number: int
    """GitHub's number of the comment, check run or issue."""
    digest: str
    """Of what it says."""
    since: float = 0.0


class HostedTable(Tables):
    """Installations and repositories; reached as ``store.hosted``."""

    def put_installation(self, installation: Installation) -> None:
        """Keep an installation as it was seen."""
        with self._write_together():
            self._put_row("installations", rows.to_row(installation))

    def installation(self, number: int) -> Installation | None:
        """Return an installation."""
        found = self._read_rows("select * from installations where id = ?", number)
        return next((rows.from_row(row, Installation) for row in found), None)

    def installations(self) -> list[Installation]:
        """Return all, by account."""
        found = self._read_rows("select * from installations order by account, id")
        return [rows.from_row(row, Installation) for row in found]

    def put_repository(self, hosted: Hosted) -> None:
        """Keep a repository as it was seen."""
        private, opted_in = int(hosted.private), int(hosted.opted_in)
        with self._write_together():
            self._put_row("hosted", rows.to_row(hosted, private=private, opted_in=opted_in))

    def get(self, number: int) -> Hosted | None:
        """Return a repository by GitHub's number."""
        return next(
            map(hosted_of, self._read_rows("select * from hosted where id = ?", number)), None
        )

    def find_by_name(self, name: str) -> Hosted | None:
        """Return the repository that has this name now, upper and lower case alike."""
        query = (
            "select * from hosted where lower(name) = lower(?) order by state = 'gone', looked desc"
        )
        return next(map(hosted_of, self._read_rows(query, name)), None)

    def all(self, *, installation: int | None = None) -> list[Hosted]:
        """Return the repositories, by name."""
        query = (
            "select * from hosted where installation = ifnull(?, installation) "
            "order by lower(name), id"
        )
        return [hosted_of(row) for row in self._read_rows(query, installation)]

    def add_tree(self, number: int, tree: str, commit: str, now: float) -> None:
        """Note that a tree is that of a repository at a commit: its tasks are this one's."""
        row = {"repository": number, "tree": tree, "commit": commit, "since": now}
        with self._write_together():
            self._tree(tree)
            self._put_row("hosted_trees", row, replace=False)

    def trees(self, number: int) -> list[str]:
        """Return the trees of a repository, the newest first."""
        query = "select tree from hosted_trees where repository = ? order by since desc, rowid desc"
        return [row["tree"] for row in self._read_rows(query, number)]

    def tasks(self, number: int) -> int:
        """Return how many tasks there are of a repository."""
        query = (
            "select count(*) as tasks from tasks join bugs on bugs.id = tasks.bug "
            "join hosted_trees on hosted_trees.tree = bugs.tree where hosted_trees.repository = ?"
        )
        return int(self._read_rows(query, number)[0]["tasks"])

    def list_withheld_trees(self, *, private: bool = False) -> set[str]:
        """Return the trees whose tasks must not be exported.

        Those of repositories that opted out or are gone; and, unless ``private`` is asked for, of
        private ones.
        """
        return {row["tree"] for row in self._read_rows(WITHHELD, int(private))}

    def mark(self, marked: Marked) -> None:
        """Keep what a maintainer wants of a pull request."""
        with self._write_together():
            self._put_row("marks", rows.to_row(marked))

    def unmark(self, repository: int, number: int) -> None:
        """Forget it."""
        with self._write_together():
            self._db.execute(
                "delete from marks where repository = ? and number = ?", [repository, number]
            )

    def marks(self, repository: int) -> list[Marked]:
        """Return what is wanted of the pull requests of a repository."""
        found = self._read_rows(
            "select * from marks where repository = ? order by number", repository
        )
        return [rows.from_row(row, Marked) for row in found]

    def mark_of(self, repository: int, number: int) -> Marked | None:
        """Return what is wanted of one pull request."""
        query = "select * from marks where repository = ? and number = ?"
        found = self._read_rows(query, repository, number)
        return next((rows.from_row(row, Marked) for row in found), None)

    def list_skipped_bugs(self) -> set[str]:
        """Return the bugs that undo a pull request which a maintainer keeps out, or hold one."""
        return {row["bug"] for row in self._read_rows(SKIPPED)}

    def write(self, written: GitHubWrite) -> None:
        """Keep what was written to GitHub."""
        with self._write_together():
            self._put_row("written", rows.to_row(written))

    def get_write(self, key: str) -> GitHubWrite | None:
        """Return what was written under a key."""
        found = self._read_rows("select * from written where key = ?", key)
        return next((rows.from_row(row, GitHubWrite) for row in found), None)


def hosted_of(row: Row) -> Hosted:
    """Return the repository of a row."""
    return rows.from_row(row, Hosted, private=bool(row["private"]), opted_in=bool(row["opted_in"]))
