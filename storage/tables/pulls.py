"""The part of the store that holds pull requests, their issues, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable

from storage.records import Comment, Crawl, Issue, Link, Mirroring, PullRequest
from storage.tables import rows
from storage.tables.rows import Row
from storage.tables.table import Tables

LISTS = {"labels": tuple[str, ...], "files": tuple[str, ...], "commits": tuple[str, ...]}
NAMED = ("pull_requests", "issues", "mirrorings", "crawls")
"""Tables whose rows belong to a repository by its name."""


class Pulls(Tables):
    """Keeps what was crawled; reached as ``store.pulls``. Repositories are ``owner/name``."""

    def add(
        self,
        pulls: Iterable[PullRequest],
        issues: Iterable[Issue] = (),
        crawl: Crawl | None = None,
    ) -> None:
        """Keep a page of a crawl and how far it has come, all or nothing.

        A pull request is replaced by a later crawl of the same or of GitHub; what only the history
        tells does not replace what GitHub told. An issue without text replaces nothing.
        """
        with self._write_together():
            for pull in pulls:
                self._add(pull)
            for issue in issues:
                row = rows.to_row(
                    issue,
                    bot=int(issue.bot),
                    labels=rows.to_json(issue.labels),
                    comments=rows.to_json(issue.comments),
                )
                self._put_row("issues", row, replace=issue.fetched)
            if crawl is not None:
                self._put_row("crawls", rows.to_row(crawl))

    def _add(self, pull: PullRequest) -> None:
        lists = {name: rows.to_json(getattr(pull, name)) for name in (*LISTS, "links")}
        row = rows.to_row(pull, bot=int(pull.bot), **lists)
        if pull.origin == "history":
            known = self.get(pull.repository, pull.commit)
            if known is not None and known.origin == "github":
                return
        self._put_row("pull_requests", row)

    def get(self, repository: str, commit: str) -> PullRequest | None:
        """Return the pull request that a commit merged."""
        query = 'select * from pull_requests where repository = ? and "commit" = ?'
        return next(map(_pull, self._read_rows(query, repository, commit)), None)

    def all(self, repository: str) -> list[PullRequest]:
        """Return those of a repository, the newest first."""
        query = (
            "select * from pull_requests where repository = ? "
            'order by merged desc, number desc, "commit"'
        )
        return [_pull(row) for row in self._read_rows(query, repository)]

    def issue(self, repository: str, number: int) -> Issue | None:
        """Return an issue."""
        query = "select * from issues where repository = ? and number = ?"
        return next(map(_issue, self._read_rows(query, repository, number)), None)

    def list_unfetched_issues(self, repository: str) -> list[Issue]:
        """Return the issues of which no more than the number is known."""
        query = "select * from issues where repository = ? and created = '' order by number"
        return [_issue(row) for row in self._read_rows(query, repository)]

    def crawl(self, repository: str, origin: str) -> Crawl | None:
        """Return how far a crawl has come."""
        query = "select * from crawls where repository = ? and origin = ?"
        found = self._read_rows(query, repository, origin)
        return next((rows.from_row(row, Crawl) for row in found), None)

    def set_outcome(self, mirroring: Mirroring) -> None:
        """Keep what became of a pull request on a tree, in the place of what was known."""
        self.set_outcomes([mirroring])

    def set_outcomes(self, mirrorings: Iterable[Mirroring]) -> None:
        """Keep what became of many, all or nothing, at the cost of one."""
        mirrorings = list(mirrorings)
        with self._write_together():
            for tree in {mirroring.tree for mirroring in mirrorings}:
                self._tree(tree)
            for mirroring in mirrorings:
                self._put_row("mirrorings", rows.to_row(mirroring))

    def list_mirrorings(self, bug: str) -> list[Mirroring]:
        """Return the pull requests whose undoing is a bug."""
        found = self._read_rows("select * from mirrorings where bug = ? order by rowid", bug)
        return [rows.from_row(row, Mirroring) for row in found]

    def outcomes(self, repository: str, tree: str | None = None) -> list[Mirroring]:
        """Return what became of the pull requests, on one tree or on all."""
        query = (
            "select * from mirrorings where repository = ? and tree = ifnull(?, tree) "
            "order by rowid"
        )
        found = self._read_rows(query, repository, tree)
        return [rows.from_row(row, Mirroring) for row in found]

    def rename(self, old: str, new: str) -> None:
        """Keep what is known of a repository under the name that it has now.

        What is known under the new name already stays, and takes the place of the old.
        """
        with self._write_together():
            for table in NAMED:
                self._db.execute(
                    f"update or ignore {table} set repository = ? where repository = ?", [new, old]
                )
                self._db.execute(f"delete from {table} where repository = ?", [old])


def _pull(row: Row) -> PullRequest:
    lists = {name: rows.from_json(row[name], kind) for name, kind in LISTS.items()}
    links = rows.from_json(row["links"], tuple[Link, ...])
    return rows.from_row(row, PullRequest, bot=bool(row["bot"]), links=links, **lists)


def _issue(row: Row) -> Issue:
    return rows.from_row(
        row,
        Issue,
        bot=bool(row["bot"]),
        labels=rows.from_json(row["labels"], tuple[str, ...]),
        comments=rows.from_json(row["comments"], tuple[Comment, ...]),
    )
