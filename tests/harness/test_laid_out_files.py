"""Files of a bug lie in the sandbox as git would check them out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

from harness.environments.baseline import measure
from harness.judge.local_engine import LocalEngine
from harness.judge.scripts import Scripts
from harness.runs.selection import Coverage
from harness.sandboxes.limits import SandboxLimits
from storage.records import Bug, FileChange, Origin
from storage.trees import Trees
from syntax.patches import unified_diff
from tests.harness.plain import PlainBackend, make_environment
from tests.storage.checkouts import make_checkout

FILES = {
    ".gitattributes": b"*.py text eol=crlf\n",
    "shop.py": b"def total():\n    return 3\n",
    "tests/test_shop.py": b"import shop\n\n\n"
    b"def test_lines():\n    assert open(shop.__file__, 'rb').read().count(b'\\r\\n') == 2\n\n\n"
    b"def test_total():\n    assert shop.total() == 3\n\n\n"
    + b"".join(b"def test_%d():\n    pass\n\n\n" % n for n in range(20)),
}
WRONG = b"def total():\n    return 4\n"
LINES, TOTAL = (f"tests/test_shop.py::test_{name}" for name in ("lines", "total"))
SCRIPT = "print(open('shop.py', 'rb').read())"


async def test_a_bug_changes_no_line_ends(tmp_path: Path) -> None:
    trees = Trees(tmp_path / "cache")
    tree = trees.adopt(make_checkout(tmp_path / "origin", FILES), "HEAD")
    trees.materialise(tree, tmp_path / "shop")
    backend, environment = PlainBackend(tmp_path / "shop", tmp_path / "places"), make_environment()
    limits = SandboxLimits()
    sandbox = await backend.start(environment, limits=limits)
    baseline, coverage = await measure(sandbox, environment)
    await sandbox.close()

    def read(path: str) -> bytes | None:
        return trees.read_file(tree, path)

    def engine(known: Coverage | None) -> LocalEngine:
        return LocalEngine(
            backend, environment, baseline, workers=1, read=read, limits=limits, coverage=known
        )

    async def bugs() -> AsyncIterator[Bug]:
        yield make_bug(tree)

    verdicts = [
        verdict for known in (None, coverage) async for verdict in engine(known).judge(bugs())
    ]
    run = await engine(None).run_files({"shop.py": WRONG})
    scripts = Scripts(backend, environment, limits, read=read)
    shown = await scripts.run_script({"shop.py": WRONG}, SCRIPT)
    await scripts.close()

    assert baseline.green[:2] == (LINES, TOTAL)
    assert [verdict.fail_to_pass for verdict in verdicts] == [(TOTAL,), (TOTAL,)]
    assert (run.outcome(LINES), run.outcome(TOTAL)) == ("passed", "failed")
    assert "4\\r\\n" in shown.output


def make_bug(tree: str) -> Bug:
    return Bug(
        tree=tree,
        patch=unified_diff("shop.py", FILES["shop.py"], WRONG),
        changes=(FileChange(path="shop.py", mode="100644", sha256=sha256(WRONG).hexdigest()),),
        origin=Origin(strategy="procedural"),
    )
