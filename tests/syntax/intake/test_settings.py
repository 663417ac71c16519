"""What decides how tests run is put back in files that hold other settings, to the byte."""

from __future__ import annotations

import pytest

from tests.syntax.intake.taken import take

PROJECT = b"""[build-system]
requires = ["setuptools"]

[project]
name = "shop"  # a comment
dependencies = [
  "attrs",
]

[tool.pytest.ini_options]
testpaths = ["tests"]  # kept

[tool.ruff]
line-length = 100
"""
MORE = PROJECT.replace(b'"attrs",', b'"attrs",\n  "rich>=13", # new')
SETUP = b"""[metadata]
name = shop

[tool:pytest]
addopts = -q

[options.entry_points]
console_scripts =
    shop = shop:main
pytest11 =
    shop = shop.plugin

[flake8]
max-line-length = 90
"""
SCRIPT = b"""from setuptools import setup

setup(name="shop", install_requires=["attrs"], entry_points={"pytest11": ["shop = shop.plugin"]})
"""
PLUGIN = b'\n[project.entry-points.pytest11]\nmine = "shop.mine"\n'


def restored(path: str, old: bytes, new: bytes | None) -> tuple[bytes | None, tuple[str, ...]]:
    found = take({path: old}, {path: new})
    return found.files.get(path, old), found.taken_back


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pyproject.toml", PROJECT, MORE),
        ("pyproject.toml", PROJECT.replace(b"\n", b"\r\n"), MORE.replace(b"\n", b"\r\n")),
        ("sub/pyproject.toml", b"[project]\n", b"[project]\nname = 'x'\n"),
        ("pyproject.toml", b"[project]\nname = 'x'\n", None),
        ("setup.cfg", SETUP, SETUP.replace(b"name = shop", b"name = store")),
        ("tox.ini", b"[flake8]\nx = 1\n", b"[flake8]\nx = 2\n"),
        ("setup.py", SCRIPT, SCRIPT.replace(b'["attrs"]', b'["attrs", "rich"]')),
    ],
)
def test_what_decides_nothing_is_a_solvers(path: str, old: bytes, new: bytes | None) -> None:
    assert restored(path, old, new) == (new, ())


@pytest.mark.parametrize(
    ("cheat", "named"),
    [
        (MORE.replace(b'["tests"]', b'["none"]'), ["[tool.pytest]"]),
        (MORE + PLUGIN, ["[project.entry-points.pytest11]"]),
        (MORE + b"\n[tool.coverage.run]\nplugins = ['mine']\n", ["[tool.coverage]"]),
        (MORE + b"\n[tool.pytest_env]\nX = '1'\n", ["[tool.pytest_env]"]),
        (MORE + b"\n[tool.tox]\nlegacy_tox_ini = 'x'\n", ["[tool.tox]"]),
        (MORE + b'\n[tool.pytest.more]\nx = "y"\n', ["[tool.pytest]"]),
    ],
)
def test_settings_of_tests_are_put_back_beside_new_dependencies(
    cheat: bytes, named: list[str]
) -> None:
    after, taken = restored("pyproject.toml", PROJECT, cheat)

    assert after is not None
    assert after.strip() == MORE.strip()
    assert taken == tuple(f"pyproject.toml: {each}" for each in named)


def test_a_table_that_was_taken_out_comes_back() -> None:
    gone = MORE.replace(b'[tool.pytest.ini_options]\ntestpaths = ["tests"]  # kept\n\n', b"")

    after, taken = restored("pyproject.toml", PROJECT, gone)
    assert after is not None
    assert b'[tool.pytest.ini_options]\ntestpaths = ["tests"]' in after
    assert gone.strip() in after
    assert taken == ("pyproject.toml: [tool.pytest]",)


def test_sections_of_an_ini_file_are_put_back_alone() -> None:
    cheat = (
        SETUP.replace(b"-q", b"-p mine")
        .replace(b"= 90", b"= 100")
        .replace(b"shop.plugin", b"shop.mine")
    )

    assert restored("setup.cfg", SETUP, cheat + b"[tox]\nx = 1\n") == (
        SETUP.replace(b"= 90", b"= 100"),
        (
            "setup.cfg: [tool:pytest]",
            "setup.cfg: [options.entry_points.pytest11]",
            "setup.cfg: [tox]",
        ),
    )


def test_sections_that_were_taken_out_come_back() -> None:
    after, taken = restored("setup.cfg", SETUP, b"[metadata]\nname = mine")

    assert after is not None
    assert after.startswith(b"[metadata]\nname = mine\n")
    assert b"[tool:pytest]\naddopts = -q\n" in after
    assert b"[options.entry_points]\npytest11 =\n    shop = shop.plugin\n" in after
    assert len(taken) == 2


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pyproject.toml", PROJECT, b"[project\n"),
        ("pyproject.toml", PROJECT, b"\xff"),
        ("setup.cfg", SETUP, b"name = shop\n"),
        ("setup.py", SCRIPT, b"setup(\n"),
    ],
)
def test_what_cannot_be_parsed_is_put_back_as_a_whole(path: str, old: bytes, new: bytes) -> None:
    assert restored(path, old, new) == (old, (f"{path}: all of it, since it cannot be parsed",))


def test_a_plugin_in_a_setup_script_is_put_back() -> None:
    cheat = SCRIPT.replace(b"shop.plugin", b"shop.mine").replace(b'["attrs"]', b"[]")

    assert restored("setup.py", SCRIPT, cheat) == (
        SCRIPT.replace(b'["attrs"]', b"[]"),
        ("setup.py: the entry points of pytest11",),
    )
    assert restored("setup.py", b"setup()\n", SCRIPT)[0] == b"setup()\n"


def test_a_file_that_decides_comes_back_and_a_new_one_decides_nothing() -> None:
    why = "all of it, since it decides how tests run"
    assert restored("pyproject.toml", PROJECT, None) == (PROJECT, (f"pyproject.toml: {why}",))
    found = take({}, {"pyproject.toml": PROJECT})
    assert b"pytest" not in (found.files["pyproject.toml"] or b"")
    assert found.taken_back == ("pyproject.toml: [tool.pytest]",)
