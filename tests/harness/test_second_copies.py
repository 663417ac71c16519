"""Copies of a project's packages in the image beneath it are removed, and nothing else is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import docker
import pytest

from harness.sandboxes.base_image import DEFAULT_TAG
from harness.sandboxes.docker_layers import SCRIPT
from harness.sandboxes.hidden_copies import find_hidden_copies
from harness.sandboxes.own_packages import own_packages
from harness.sandboxes.second_copies import copies


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["tenacity/__init__.py", "tenacity/wait.py", "tests/__init__.py"], ("tenacity",)),
        (["src/shop/__init__.py", "src/shop/deep/__init__.py", "setup.py"], ("shop",)),
        (["six.py", "test_six.py", "conftest.py", "docs/conf.py"], ("six",)),
        (["README.md", "noxfile.py"], ()),
    ],
)
def test_packages_are_told_by_where_they_lie(paths: list[str], names: tuple[str, ...]) -> None:
    assert own_packages(paths) == names


def put(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def wheel(file: Path, *members: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for member in members:
            archive.writestr(member, "")
    return file


def test_what_is_vendored_bundled_or_installed_beneath_goes(tmp_path: Path) -> None:
    gone = [
        wheel(tmp_path / "share/pip-23.0-py3-none-any.whl", "pip/_vendor/shop/__init__.py"),
        wheel(tmp_path / "share/shop-1.0-py3-none-any.whl", "shop/__init__.py"),
        put(tmp_path / "lib/dist-packages/pip/_vendor/shop/__init__.py"),
        put(tmp_path / "lib/dist-packages/shop/__init__.py"),
    ]
    stays = [
        wheel(tmp_path / "share/other-1.0-py3-none-any.whl", "other/shop.py"),
        put(tmp_path / "lib/dist-packages/pip/_vendor/shopping/__init__.py"),
        put(tmp_path / "lib/python3/shop/__init__.py"),
        put(tmp_path / "venv/site-packages/shop/__init__.py"),
        put(tmp_path / "share/broken.whl", "no archive"),
    ]
    found = list(copies(tmp_path, ["shop"], [str(tmp_path / "venv")]))

    assert sorted(found) == sorted(file if file.suffix == ".whl" else file.parent for file in gone)
    assert not {place for path in found for place in stays if place.is_relative_to(path)}


def test_what_is_to_be_covered_is_found_once_for_an_environment(tmp_path: Path) -> None:
    root, prefix = tmp_path / "env", tmp_path / "python"
    put(root / "w00/tree/shop/__init__.py")
    copy = put(prefix / "lib/python3/site-packages/pip/_vendor/shop/__init__.py").parent
    bundled = wheel(prefix / "lib/ensurepip/pip-1-py3-none-any.whl", "pip/_vendor/shop.py")

    first = find_hidden_copies(root, prefix)
    put(prefix / "lib/python3/site-packages/shop/__init__.py")

    assert {path for _, path in first} == {copy, bundled}
    assert all(list(empty.iterdir()) == [] for empty, path in first if path.is_dir())
    assert all(empty.read_bytes() == b"" for empty, path in first if path.is_file())
    assert find_hidden_copies(root, prefix) == first


@pytest.mark.docker
def test_copies_are_removed_from_an_image(engine: docker.DockerClient) -> None:
    look = "import glob; print(glob.glob('/usr/share/python-wheels/pip-*.whl'))"
    run = 'python3 -c "$1" && python3 -c "$0" /proc:/sys tenacity && python3 -c "$1"'

    told = engine.containers.run(
        DEFAULT_TAG, ["sh", "-c", run, SCRIPT, look], remove=True, user="root"
    )

    before, *removed, after = told.decode().splitlines()
    assert "pip-" in before
    assert any(line.startswith("/usr/share/python-wheels/pip-") for line in removed)
    assert after == "[]"
