"""Code in the world: a bare git repository, branches, and pull requests merged by git."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from storage.git import git, line
from tests.furniture.github_world.state import Change, Commit, Issue, Pull, Repository
from tests.furniture.github_world.world import How, World

STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed"}


class Code:
    """The code of one repository. Files given as None are deleted."""

    def __init__(self, world: World, repository: Repository, folder: Path) -> None:
        self.world = world
        self.repository = repository
        self.git_dir = folder / f"{repository.id}.git"
        git("init", "--quiet", "--bare", "--template=", self.git_dir)
        git("symbolic-ref", "HEAD", "refs/heads/main", cwd=self.git_dir)
        repository.git = self.git_dir

    def commit(
        self, files: Mapping[str, str | None], message: str = "Change", *, branch: str = "main"
    ) -> str:
        """Commit to a branch, which begins at the main branch."""
        head = self.tip(branch) or self.tip("main")
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            if head:
                git("read-tree", head, cwd=self.git_dir, env=env)
            lines = "".join(self._entry(path, text) for path, text in files.items())
            git("update-index", "--index-info", cwd=self.git_dir, env=env, stdin=lines.encode())
            tree = git("write-tree", cwd=self.git_dir, env=env).decode().strip()
        made = self._point(branch, self._commit(tree, [head] if head else [], message))
        for pull in self.repository.pulls:
            if pull.state == "OPEN" and pull.branch == branch and pull.fork is None:
                base = line("merge-base", "main", branch, cwd=self.git_dir)
                changes = self._changes(base, branch)
                self.world.synchronize(pull, self._commits(base, branch), changes)
        return made

    def push_over(self, branch: str, oid: str) -> str:
        """Let a branch point somewhere else, as a forced push does."""
        return self._point(branch, oid)

    def pull(
        self, branch: str, title: str = "Fix it", body: str = "", *, closes: Iterable[Issue] = ()
    ) -> Pull:
        """Open a pull request of a branch."""
        base = line("merge-base", "main", branch, cwd=self.git_dir)
        made = self.world.pull(
            self.repository,
            title,
            body,
            closes=closes,
            branch=branch,
            commits=self._commits(base, branch),
            changes=self._changes(base, branch),
        )
        made.base_oid = self.tip("main")
        return made

    def merge(self, pull: Pull, how: How) -> Pull:
        """Merge it as GitHub does."""
        main = self.tip("main")
        if how == "push":
            self._point("main", pull.commits[-1].oid)
        elif how == "rebase":
            tip = main
            for one in pull.commits:
                tree = self._replayed(tip, one.parents[0], one.oid)
                tip = self._commit(tree, [tip], one.message, authored=one.authored)
            self._point("main", tip)
        else:
            base = line("merge-base", main, pull.commits[-1].oid, cwd=self.git_dir)
            tree = self._replayed(main, base, pull.commits[-1].oid)
            parents = [main, pull.commits[-1].oid] if how == "merge" else [main]
            self._point("main", self._commit(tree, parents, _message(pull, how)))
        made = self._commits("", "main")
        return self.world.merge(pull, how, commits=made)

    def tip(self, branch: str) -> str:
        """Return the commit of a branch; empty when there is none."""
        asked = ("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return line(*asked, cwd=self.git_dir)

    def _entry(self, path: str, text: str | None) -> str:
        if text is None:
            return f"0 {'0' * 40}\t{path}\n"
        made = git("hash-object", "-w", "--stdin", cwd=self.git_dir, stdin=text.encode())
        return f"100644 {made.decode().strip()}\t{path}\n"

    def _replayed(self, onto: str, old: str, new: str) -> str:
        diff = git("diff-tree", "-p", "--binary", old, new, cwd=self.git_dir)
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            git("read-tree", onto, cwd=self.git_dir, env=env)
            git("apply", "--cached", cwd=self.git_dir, env=env, stdin=diff)
            return git("write-tree", cwd=self.git_dir, env=env).decode().strip()

    def _commit(self, tree: str, parents: list[str], message: str, *, authored: str = "") -> str:
        now = self.world.tick()
        who = {"NAME": "A", "EMAIL": "a@example.org"}
        env = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
        env |= {"GIT_AUTHOR_DATE": authored or now, "GIT_COMMITTER_DATE": now}
        words = [word for parent in parents for word in ("-p", parent)]
        made = git("commit-tree", tree, *words, "-m", message, cwd=self.git_dir, env=env)
        return made.decode().strip()

    def _point(self, branch: str, oid: str) -> str:
        before = self.tip(branch)
        git("update-ref", f"refs/heads/{branch}", oid, cwd=self.git_dir)
        self.world.pushed(self.repository, f"refs/heads/{branch}", before, oid)
        return oid

    def _commits(self, base: str, tip: str) -> list[Commit]:
        form = "--format=%H%x00%P%x00%aI%x00%B%x01"
        asked = [f"{base}..{tip}" if base else tip]
        out = git("log", "--reverse", "--topo-order", form, *asked, cwd=self.git_dir).decode()
        made = []
        for record in out.split("\x01")[:-1]:
            oid, parents, authored, message = record.strip("\n").split("\0")
            made.append(
                Commit(
                    oid=oid,
                    parents=tuple(parents.split()),
                    message=message.strip(),
                    authored=authored.replace("+00:00", "Z"),
                )
            )
        return made

    def _changes(self, base: str, tip: str) -> list[Change]:
        out = git("diff", "--name-status", "-M", "-z", base, tip, cwd=self.git_dir).decode()
        words = iter(out.split("\0")[:-1])
        made = []
        for word in words:
            previous = next(words) if word[0] == "R" else ""
            path = next(words)
            diff = git("diff", "-M", base, tip, "--", *filter(None, (previous, path)),
                       cwd=self.git_dir).decode()  # fmt: skip
            at = diff.find("\n@@ ")
            made.append(
                Change(
                    path=path,
                    previous=previous,
                    status=STATUS[word[0]],  # type: ignore[arg-type]
                    patch=diff[at + 1 :] if at >= 0 else "",
                )
            )
        return made


def _message(pull: Pull, how: How) -> str:
    """Return the message of a merge commit, as GitHub proposes it."""
    if how == "merge":
        where = f"{pull.repository.owner.login}/{pull.branch}"
        return f"Merge pull request #{pull.number} from {where}\n\n{pull.title}"
    parts = "\n\n".join(f"* {commit.message}" for commit in pull.commits)
    return f"{pull.title} (#{pull.number})\n\n{parts}"
