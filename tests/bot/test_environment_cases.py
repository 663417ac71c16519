"""Repositories that once asked a person for something: each is built for real, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.sandboxes.interpreters import OBTAINABLE, list_installed_versions
from tests.furniture.workplace import Workplace

pytestmark = [pytest.mark.network, pytest.mark.slow]


def build(place: Workplace) -> dict[str, Any]:
    return dict(json.loads(place.run("env", "build", "shop", "--sandbox", "local", "--json")))


def extend(place: Workplace, table: str) -> None:
    """Add a table to the project's pyproject.toml."""
    file = place.project / "pyproject.toml"
    file.write_text(file.read_text() + table)


def test_a_python_that_cannot_be_had_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", (tmp_path / "nowhere").as_uri())
    missing = [version for version in OBTAINABLE if version not in list_installed_versions()]
    if not missing:
        pytest.skip("every Python is installed")
    place = Workplace(tmp_path)
    workflow = place.project / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "jobs:\n  test:\n    steps:\n"
        f"      - {{uses: actions/setup-python@v5, with: {{python-version: '{missing[0]}'}}}}\n"
        "      - run: pip install -e . pytest\n      - run: pytest\n"
    )
    assert build(place)["green"] == 28
    told = place.run("env", "explain", "shop")
    assert f"because Python {missing[0]} is not installed here" in told
    assert "need the network" not in told


@pytest.mark.long
def test_tests_that_lack_an_extra_come_back(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    file = place.project / "pyproject.toml"
    text = file.read_text()
    file.write_text(text.replace('test = ["pytest"]', 'test = ["pytest"]\nfast = ["six>=1.16"]'))
    (place.project / "tests" / "test_fast.py").write_text(
        "import pytest\nsix = pytest.importorskip('six')\ndef test_fast(): assert six.PY3\n"
        "def test_slow(): pytest.importorskip('strangers_thing')\n"
    )
    built = build(place)
    assert (built["green"], built["plans"]) == (29, 2)
    assert "extra 'fast'" in built["plan"]
    told = place.run("env", "explain", "shop")
    assert "because tests of tests/test_fast.py are skipped: could not import 'six'" in told
    assert "skipped: 1 x could not import 'strangers_thing'" in told


@pytest.mark.long
def test_doctests_of_modules_and_documents_serve(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    options = "--doctest-modules --doctest-glob=*.md"
    extend(place, f'\n[tool.pytest.ini_options]\naddopts = "{options}"\n')
    (place.project / "README.md").write_text("    >>> import shop\n    >>> 1 + 1\n    2\n")
    (place.project / "src" / "shop" / "more.py").write_text(
        'def double(n):\n    """Double.\n\n    >>> double(2)\n    4\n    """\n    return 2 * n\n'
    )
    assert build(place)["green"] == 30


@pytest.mark.long
def test_a_major_of_a_plugin_that_is_too_new_is_pinned(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    extend(place, '\n[dependency-groups]\ntest = ["pytest", "pytest-asyncio"]\n')
    (place.project / "tests" / "test_loop.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', range(20))\n"
        "def test_loop(event_loop, n): assert event_loop\n"
    )
    built = build(place)
    assert built["green"] == 48
    assert built["plan"].endswith("with pytest-asyncio<1")
    assert built["plans"] == 2
