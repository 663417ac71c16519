"""What an agent left is read as git has it: its change to the start state, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.sandboxes import agent_work
from harness.sandboxes.agent_work import Ground, WorkTooLarge, read_patch
from harness.sandboxes.start_state import make_repository
from storage.git import git
from storage.trees import Trees

START = {
    "src/core.py": b"def f():\n    return 1\n",
    "run.sh": b"echo\n",
    "data/rows.txt": b"".join(b"row %d\n" % number for number in range(250_000)),
    "data/blob.bin": bytes(range(256)) * 20,
    "kept.log": b"tracked, though ignored\n",
    "latin.txt": "caf\u00e9\n".encode("latin-1"),
    "text.bat": b"dir\r\n",
    "laid.cmd": b"dir\n",
    "wide.csv": "caf\u00e9\n".encode(),
    "ident.id": b"$Id$\n",
    "empty.py": b"",
    ".gitignore": b"*.log\nbuild/\n",
    ".gitattributes": b"*.bat text eol=lf\n*.bin filter=evil diff=evil\n*.txt text=auto ident\n"
    b"*.cmd text eol=crlf\n*.csv text working-tree-encoding=UTF-16LE\n*.id ident\n",
}


class Bench:
    """A start state laid out for an agent, in whose tree a script can be run."""

    def __init__(self, folder: Path, files: Mapping[str, bytes]) -> None:
        self.trees = Trees(folder / "cache")
        source = folder / "source"
        for path, data in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        (source / "link").symlink_to("src/core.py")
        self.start = self.trees.snapshot(source)
        self.tree = folder / "tree"
        self.trees.materialise(self.start, self.tree)
        self.folder = folder
        make_repository(self.tree, sorted(self.trees.paths(self.start)))

    def script(self, text: str) -> None:
        """Do what an agent would."""
        subprocess.run(["bash", "-euc", text], cwd=self.tree, check=True, capture_output=True)

    def read(self, left: bytes = b"", untracked: frozenset[str] = frozenset()) -> str:
        return read_patch(
            Ground(
                work=self.tree,
                own=self.folder / "own",
                trees=self.trees,
                start=self.start,
                left=left,
                untracked=untracked,
            )
        )

    def apply(self, patch: str) -> dict[str, tuple[str, bytes]]:
        """Return mode and content of each file that differs once git has applied a patch."""
        place = self.folder / "applied"
        git("init", "--quiet", "--template=", place)
        objects = place / ".git" / "objects" / "info"
        objects.mkdir(exist_ok=True)
        (objects / "alternates").write_text(f"{self.trees.git_dir / 'objects'}\n")
        git("read-tree", self.start, cwd=place)
        before = self.entries(place)
        git("apply", "--cached", "-", cwd=place, stdin=patch.encode())
        after = self.entries(place)
        return {path: after[path] for path in after if after[path] != before.get(path)} | {
            path: ("", b"") for path in before if path not in after
        }

    @staticmethod
    def entries(place: Path) -> dict[str, tuple[str, bytes]]:
        listed = git("ls-files", "--stage", "-z", cwd=place).split(b"\0")[:-1]
        found = {}
        for record in listed:
            described, _, path = record.partition(b"\t")
            mode, name, _ = described.decode().split()
            found[os.fsdecode(path)] = (mode, git("cat-file", "blob", name, cwd=place))
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, START)


def test_read_patch_of_no_work_is_empty(bench: Bench) -> None:
    bench.script("touch src/core.py; git status; git gc -q; python3 -m compileall -q src")

    assert bench.read() == ""


def test_read_patch_holds_every_kind_of_change(bench: Bench) -> None:
    bench.script(
        "echo 'x = 1' >>src/core.py; mkdir src/extra; : >src/extra/__init__.py; chmod +x run.sh;"
        "rm empty.py; echo more >>data/rows.txt; echo more >>kept.log; ln -sf run.sh link;"
        "printf '\\0\\1' >>data/blob.bin; printf '\\351' >>latin.txt; echo x >text.bat;"
        "printf 'a\\r\\n' >$'a b\\t\"\\351.txt'; echo new >new.log"
    )

    changed = bench.apply(patch := bench.read())

    assert json.loads(json.dumps(patch)).encode() == patch.encode()
    assert {path: mode for path, (mode, _) in changed.items()} == {
        "src/core.py": "100644",
        "src/extra/__init__.py": "100644",
        "run.sh": "100755",
        "empty.py": "",
        "data/rows.txt": "100644",
        "kept.log": "100644",
        "link": "120000",
        "data/blob.bin": "100644",
        "latin.txt": "100644",
        "text.bat": "100644",
        'a b\t"\udce9.txt': "100644",
    }
    assert changed["latin.txt"][1] == START["latin.txt"] + b"\xe9"
    assert changed["text.bat"][1] == b"x\n"
    assert changed["data/rows.txt"][1] == START["data/rows.txt"] + b"more\n"


def test_read_patch_takes_files_in_as_git_commits_them(bench: Bench) -> None:
    assert (bench.tree / "laid.cmd").read_bytes() == b"dir\r\n"
    (bench.tree / "wide.csv").write_bytes("caf\u00e9\nth\u00e9\n".encode("utf-16-le"))
    bench.script("printf 'new\\r\\n' >>laid.cmd; printf 'x\\r\\n' >new.cmd; echo 1 >>ident.id")

    changed = bench.apply(bench.read())

    assert {path: content for path, (_, content) in changed.items()} == {
        "laid.cmd": b"dir\nnew\n",
        "wide.csv": "caf\u00e9\nth\u00e9\n".encode(),
        "new.cmd": b"x\n",
        "ident.id": b"$Id$\n1\n",
    }


@pytest.mark.parametrize(
    "script",
    [
        "echo '*' >.git/info/exclude",
        "git config core.excludesFile /dev/stdin; git config core.worktree /",
        "git config core.fsmonitor 'touch RAN'; git config filter.evil.clean 'touch RAN; cat'",
        "git config diff.evil.textconv 'touch RAN; cat'; git config diff.external 'touch RAN'",
        "printf '#!/bin/sh\\ntouch RAN' >.git/hooks/post-index-change || true",
        "git checkout -qb work; git add -A; git -c user.name=a -c user.email=a@b commit -qm done",
        "git update-index --assume-unchanged src/core.py --skip-worktree run.sh",
        "rm -rf .git; git init -q; git add -A",
        "rm -rf .git; ln -s / .git",
        "rm -rf .git; echo 'gitdir: /' >.git",
        "rm .git/index; mkfifo .git/index",
        "head -c 100 .git/index >.git/cut; mv .git/cut .git/index",
    ],
)
def test_read_patch_is_the_same_whatever_the_agents_git_says(bench: Bench, script: str) -> None:
    script = script.replace("RAN", str(bench.folder / "ran"))
    bench.script(f"echo 'x = 1' >>src/core.py; echo 1 >new.py; mkdir -p .git/hooks; {script}")

    assert set(bench.apply(bench.read())) == {"src/core.py", "new.py"}
    assert not (bench.folder / "ran").exists()


def test_read_patch_takes_ignore_rules_from_the_start_state(bench: Bench) -> None:
    bench.script("echo '*' >>.gitignore; echo 1 >new.py; mkdir build; echo 1 >build/lib.py")

    assert set(bench.apply(bench.read())) == {".gitignore", "new.py"}


def test_read_patch_takes_ignored_files_that_the_agent_added(bench: Bench) -> None:
    bench.script("echo 1 >new.log; echo 1 >other.log; git add -f new.log")

    assert set(bench.apply(bench.read())) == {"new.log"}


def test_read_patch_takes_attributes_from_nobody(bench: Bench) -> None:
    bench.script(
        "echo '* text eol=crlf working-tree-encoding=UTF-16 -diff ident' >.gitattributes;"
        "printf '$Id$\\r\\n' >new.dat"
    )

    changed = bench.apply(bench.read())

    assert set(changed) == {".gitattributes", "new.dat"}
    assert changed["new.dat"][1] == b"$Id$\r\n"


def test_read_patch_has_files_of_nested_repositories(bench: Bench) -> None:
    who = "-c user.name=a -c user.email=a@b -c protocol.file.allow=always"
    bench.script(
        f"git init -q src/inner; cd src/inner; echo 1 >a.py; echo b.py >.gitignore; echo 1 >b.py;"
        f"git add -A; git {who} commit -qm 1; git checkout -qb side; echo 2 >>a.py; cd ../..;"
        f"git {who} submodule --quiet add ./src/inner sub; git init -q --bare bare.git"
    )

    changed = bench.apply(bench.read())

    assert changed["src/inner/a.py"] == ("100644", b"1\n2\n")
    assert changed["sub/a.py"] == ("100644", b"1\n")
    assert {".gitmodules", "src/inner/b.py", "bare.git/HEAD"} <= set(changed)
    assert all(mode != "160000" for mode, _ in changed.values())


def test_read_patch_has_files_that_became_folders_and_links(bench: Bench) -> None:
    bench.script(
        "rm run.sh; mkdir run.sh; echo 1 >run.sh/a; rm -r data; ln -s src data; rm link;"
        "mkdir link; echo 1 >link/b; rm -r src/core.py; ln -s /etc/passwd src/core.py"
    )

    changed = bench.apply(bench.read())

    assert changed["run.sh/a"] == ("100644", b"1\n")
    assert changed["data"] == ("120000", b"src")
    assert changed["src/core.py"] == ("120000", b"/etc/passwd")
    assert changed["run.sh"] == changed["link"] == changed["data/rows.txt"] == ("", b"")


def test_read_patch_leaves_out_what_builds_and_tools_leave(bench: Bench) -> None:
    bench.script(
        "mkdir -p widgets.egg-info .venv/lib cache; echo 1 >widgets.egg-info/PKG-INFO;"
        "touch .venv/pyvenv.cfg .venv/lib/a.py .coverage cache/CACHEDIR.TAG cache/x;"
        "git add -Af; echo 1 >new.py"
    )

    left = frozenset({"widgets.egg-info/PKG-INFO"})
    assert set(bench.apply(bench.read(b"/widgets.egg-info/\n", left))) == {"new.py"}


def test_read_patch_passes_over_what_git_cannot_hold(bench: Bench) -> None:
    bench.script(
        "mkfifo pipe; rm run.sh; mkfifo run.sh; mkdir shut; echo 1 >shut/a; chmod 0 shut/a"
    )
    (bench.tree / "shut").chmod(0)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(os.path.relpath(bench.tree / "s"))

        assert set(bench.apply(bench.read())) == {"run.sh", "shut/a"}


def test_read_patch_refuses_work_over_its_limits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.script("truncate -s 100G src/huge.bin")
    with pytest.raises(WorkTooLarge, match=r"'src/huge.bin' with 102400"):
        bench.read()

    monkeypatch.setattr(agent_work, "LARGEST_PATCH", 100)
    (bench.tree / "src" / "huge.bin").write_text("x\n" * 200)
    bench.folder /= "again"
    with pytest.raises(WorkTooLarge, match="the patch has"):
        bench.read()
