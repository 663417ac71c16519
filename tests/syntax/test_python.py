"""Parsing Python from several threads."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from syntax.python import parse_python

SOURCE = Path(ast.__file__).read_bytes()


class Litter:
    """Goes only by the collector, and lets other threads in when it goes."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def crowded() -> Iterator[None]:
    """Make the interpreter change threads, and collect, as often as it can."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("crowded")
def test_threads_that_parse_side_by_side_do_not_disturb_one_another() -> None:
    def parse(_: int) -> bool:
        for _ in range(20):
            Litter()
        return parse_python(SOURCE) is not None

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(parse, range(24)))


@pytest.mark.parametrize("source", [b"def f(:", b"\x00", b"(" * 5000, "x = '\ud800'"])
def test_what_this_python_cannot_read_is_none(source: str | bytes) -> None:
    assert parse_python(source) is None


def test_no_warning_is_given_about_a_source() -> None:
    assert parse_python("x = '\\d'") is not None
