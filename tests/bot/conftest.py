"""A GitHub for the tests of the service, and commands that are run in this process."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot import cli
from tests.furniture.workplace import without_progress

if TYPE_CHECKING:
    from tests.furniture.github_world import Descriptions, World

Run = Callable[..., tuple[int, str, str]]
"""A command in this process: its words, then exit code, output and errors."""


@pytest.fixture
async def world(descriptions: Descriptions) -> AsyncIterator[World]:
    """A world with nothing in it."""
    from tests.furniture.github_world import github_world

    async with github_world(descriptions) as world:
        yield world


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in a folder of its own, with its own cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUGFOUNDRY_CACHE", str(tmp_path / "cache"))
    for name in ("GITHUB_TOKEN", "GITHUB_API_URL", "BUGFOUNDRY_STORE"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bugfoundry", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, without_progress(told.err)

    return run
