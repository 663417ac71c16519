"""Small real histories to crawl."""

from __future__ import annotations

from pathlib import Path

from storage.git import git, line

ANNE = ("Anne", "anne@example.org")
BEN = ("Ben", "ben@example.org")
SITE = ("GitHub", "noreply@github.com")
Person = tuple[str, str]


class Maker:
    """A git repository that is written commit by commit; time goes on by a minute each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git_dir = folder / ".git"
        self._now = 1_600_000_000
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", folder)
        self.commit("Start", {"src/shop.py": "a = 1\n", "tests/test_shop.py": "a = 1\n"})

    @property
    def head(self) -> str:
        return line("rev-parse", "HEAD", cwd=self.folder)

    def commit(
        self,
        message: str,
        files: dict[str, str | None] | None = None,
        *,
        by: Person = ANNE,
        through: Person | None = None,
        at_once: bool = False,
    ) -> str:
        """Commit files (by default a new line of source and one of a test)."""
        self._now += 0 if at_once else 60
        for path, text in (files or self._fix()).items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                place.unlink()
            else:
                place.write_text(text)
        git("add", "--all", cwd=self.folder)
        self._run("commit", "--quiet", "--allow-empty", "-m", message, by=by, through=through)
        return self.head

    def _fix(self) -> dict[str, str | None]:
        return {
            path: f"{(self.folder / path).read_text()}b{self._now} = 1\n"
            for path in ("src/shop.py", "tests/test_shop.py")
        }

    def branch(self, name: str, at: str = "HEAD") -> None:
        """Start a branch and go there."""
        git("checkout", "--quiet", "-B", name, at, cwd=self.folder)

    def goto(self, name: str = "main") -> None:
        git("checkout", "--quiet", name, cwd=self.folder)

    def merge(self, branch: str, message: str, *, by: Person = BEN) -> str:
        """Merge a branch with a merge commit; ours wins where both changed a line."""
        self._now += 60
        self._run("merge", "--quiet", "--no-ff", "-X", "ours", "-m", message, branch, by=by)
        return self.head

    def pull(self, number: int, *messages: str, title: str = "", branch: str = "topic") -> str:
        """Make a branch of commits, each with a file of its own, and merge it as GitHub does."""
        self.branch(f"{branch}-{number}")
        for place, message in enumerate(messages):
            name = f"{number}_{place}"
            self.commit(message, {f"src/m{name}.py": "x = 1\n", f"tests/test_{name}.py": "y = 1\n"})
        self.goto()
        return self.merge(
            f"{branch}-{number}",
            f"Merge pull request #{number} from anne/{branch}-{number}\n\n{title}".strip(),
        )

    def _run(self, *words: str, by: Person, through: Person | None = None) -> None:
        committer = through or by
        env = {
            "GIT_AUTHOR_NAME": by[0],
            "GIT_AUTHOR_EMAIL": by[1],
            "GIT_AUTHOR_DATE": f"{self._now} +0000",
            "GIT_COMMITTER_NAME": committer[0],
            "GIT_COMMITTER_EMAIL": committer[1],
            "GIT_COMMITTER_DATE": f"{self._now} +0000",
        }
        git(*words, cwd=self.folder, env=env)
