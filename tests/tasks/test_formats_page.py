"""docs/formats.md shows what is written now."""

from __future__ import annotations

import sys

import pytest

from tests.tasks.formats_page import PAGE, whole


@pytest.mark.skipif(sys.platform != "linux", reason="archives are made as on Linux")
def test_the_page_is_what_the_code_writes() -> None:
    assert PAGE.read_text() == whole(), "python -m tests.tasks.formats_page writes it"
