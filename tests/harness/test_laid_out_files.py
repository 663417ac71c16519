"""Files of a bug lie in the sandbox as git would check them out."""

from __future__ import annotations

from pathlib import Path

from harness.environments.baseline import measure
from harness.judge.local_engine import LocalEngine
from harness.judge.scripts import Scripts
from harness.sandboxes.limits import SandboxLimits
from storage.trees import Trees
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
SCRIPT = "print(open('shop.py', 'rb').read())"


async def test_a_bug_changes_no_line_ends(tmp_path: Path) -> None:
    trees = Trees(tmp_path / "cache")
    tree = trees.adopt(make_checkout(tmp_path / "origin", FILES), "HEAD")
    trees.materialise(tree, tmp_path / "shop")
    backend, environment = PlainBackend(tmp_path / "shop", tmp_path / "places"), make_environment()
    sandbox = await backend.start(environment, limits=SandboxLimits())
    baseline, _ = await measure(sandbox, environment)
    await sandbox.close()

    def read(path: str) -> bytes | None:
        return trees.read_file(tree, path)

    limits = SandboxLimits()
    engine = LocalEngine(backend, environment, baseline, workers=1, read=read, limits=limits)
    run = await engine.run_files({"shop.py": WRONG})
    scripts = Scripts(backend, environment, limits, read=read)
    shown = await scripts.run_script({"shop.py": WRONG}, SCRIPT)
    await scripts.close()

    assert baseline.green[:2] == (
        "tests/test_shop.py::test_lines",
        "tests/test_shop.py::test_total",
    )
    assert run.outcome("tests/test_shop.py::test_lines") == "passed"
    assert run.outcome("tests/test_shop.py::test_total") == "failed"
    assert "4\\r\\n" in shown.output
