"""Installing for real: editable installs follow the sandbox's own tree."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from harness.sandboxes import bubblewrap
from harness.sandboxes.garbage import local_garbage, remove
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.local_sandbox import Isolation
from harness.sandboxes.sandbox import SandboxLimits
from storage.records import FOLDER
from tests.furniture.environments import share_downloads
from tests.furniture.project import write_project
from tests.harness.probes import EDITABLE, PROBE, build, plan, probing

pytestmark = pytest.mark.network
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
GIVEN = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
WHERE = "src/shop/__init__.py"


@pytest.mark.parametrize("isolation", ["bubblewrap", "process"])
async def test_an_editable_install_is_the_sandboxs_own_tree(
    tmp_path: Path, isolation: Isolation
) -> None:
    if isolation == "bubblewrap" and not bubblewrap.works():
        pytest.skip("bubblewrap is not installed, or may not make namespaces")
    cache = share_downloads(tmp_path / "cache")
    backend = LocalBackend(cache, runner=PROBE, isolation=isolation)
    environment = await build(backend, tmp_path / "checkout", plan(*EDITABLE, python=OWN), **GIVEN)
    assert any(line.startswith("pytest==") for line in environment.lock.splitlines())
    assert "shop" not in environment.lock
    ask = """
    import subprocess, sys
    code = "import shop; print(shop.__file__, getattr(shop, 'MARK', ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    import os
    result = [done.stdout.split(), os.getcwd()]
    """
    limits = SandboxLimits()
    async with (
        probing(backend, environment, limits=limits) as one,
        probing(backend, environment, limits=limits) as other,
    ):
        await one.run(f"open({WHERE!r}, 'a').write('MARK = 1')")
        found, cwd = await one.run(ask)
        assert found == [f"{cwd}/{WHERE}", "1"]
        found, cwd = await other.run(ask)
        assert found == [f"{cwd}/{WHERE}"]


async def test_a_build_leaves_no_caches_in_the_tree(tmp_path: Path) -> None:
    backend = LocalBackend(share_downloads(tmp_path / "cache"), runner=PROBE)
    environment = await build(backend, tmp_path / "checkout", plan(*EDITABLE, python=OWN), **GIVEN)
    tree = tmp_path / "cache" / "envs" / environment.handle / "w00" / "tree"
    assert not list(tree.rglob("__pycache__"))
    async with probing(backend, environment) as probe:
        status = await probe.run(
            "import subprocess; result = subprocess.run(['git', 'status', '--porcelain'],"
            " capture_output=True, text=True).stdout"
        )
    assert list(tree.rglob("*.egg-info"))
    assert status == ""


async def test_a_package_in_a_folder_is_installed_there_with_its_sibling(tmp_path: Path) -> None:
    backend = LocalBackend(share_downloads(tmp_path / "cache"), runner=PROBE)
    mono = tmp_path / "mono"
    write_project(mono / "services" / "shop")
    (mono / "services" / "shared").mkdir()
    (mono / "services" / "shared" / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='shared', version='1', py_modules=['shared'])\n"
    )
    (mono / "services" / "shared" / "shared.py").touch()
    wanted = plan(("-e", "../shared", "-e", "."), python=OWN, **{FOLDER: "services/shop"})

    environment = await backend.build(mono, "0" * 40, wanted, env=GIVEN)

    async with probing(backend, environment) as probe:
        tree, shared, shop = await probe.run(
            """
            import os, subprocess, sys
            code = "import shared, shop; print(shared.__file__, shop.__file__)"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            result = [os.getcwd(), *done.stdout.split()]
            """
        )
    assert shared == f"{tree}/services/shared/shared.py"
    assert shop == f"{tree}/services/shop/{WHERE}"


async def test_folders_that_no_environment_needs_are_collected(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path / "cache", runner=PROBE)
    kept = await build(backend, tmp_path / "checkout", plan(python=OWN, WHICH="kept"))
    gone = await build(backend, tmp_path / "checkout", plan(python=OWN, WHICH="gone"))
    later = time.time() + 60
    assert local_garbage(tmp_path / "cache", keep=(), before=time.time() - 60) == []
    async with probing(backend, gone):
        assert local_garbage(tmp_path / "cache", keep={kept.handle}, before=later) == []
    (found,) = local_garbage(tmp_path / "cache", keep={kept.handle}, before=later)
    assert found.size > 0
    assert remove(found, None)
    assert not await backend.exists(gone)
    assert await backend.exists(kept)
