from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tasks.made import Made, make


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    whole = make(tmp_path)
    yield whole
    whole.store.close()
