from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.licences import ALLOWED, Licence, canonical, detect, is_in

MIT = (Path(__file__).parents[2] / "LICENSE").read_bytes()
PYPROJECT = b'[project]\nname = "shop"\n'
SETUP = b"""
from setuptools import setup
setup(
    name="shop",
    license="GPL-3.0-or-later",
    classifiers=["License :: OSI Approved :: MIT License"],
)
"""


def found_in(files: Mapping[str, bytes]) -> Licence:
    return detect(files, files.get)


@pytest.mark.parametrize(
    ("files", "expression"),
    [
        ({"LICENSE": MIT}, "MIT"),
        ({"LICENCE.md": MIT, "src/shop.py": b""}, "MIT"),
        ({"pyproject.toml": PYPROJECT + b'license = "mit or apache-2.0"\n'}, "MIT OR Apache-2.0"),
        ({"pyproject.toml": PYPROJECT + b'license = {text = "MIT License"}\n'}, "MIT"),
        ({"pyproject.toml": PYPROJECT + b'license = {text = "BSD"}\n'}, ""),
        ({"setup.cfg": b"[metadata]\nname = shop\nlicense = Apache 2.0\n"}, "Apache-2.0"),
        ({"setup.py": SETUP}, "GPL-3.0-or-later"),
        ({"docs/LICENSE": MIT}, ""),
        ({"LICENSE": b"Ask me first."}, ""),
        ({"pyproject.toml": b"no toml ["}, ""),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else value or "none",
)
def test_a_licence_is_found_where_it_stands(files: Mapping[str, bytes], expression: str) -> None:
    assert found_in(files).expression == expression


def test_a_licence_file_in_a_folder_counts_where_packaging_names_it() -> None:
    told = PYPROJECT + b'license-files = ["legal/*"]\n'

    assert found_in({"pyproject.toml": told, "legal/terms": MIT}).statements == (
        ("MIT", "legal/terms"),
    )


def test_the_text_of_a_licence_is_surer_than_what_packaging_says() -> None:
    licence = found_in({"LICENSE": MIT, "setup.py": SETUP})

    assert licence.expression == "MIT"
    assert licence.explain_refusal() == (
        "GPL-3.0-or-later (packaging) is not on the list of allowed licences"
    )


def test_no_licence_is_refused() -> None:
    assert found_in({"a.py": b""}).explain_refusal() == "no licence was found in its files"


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(GPL-3.0-only OR Apache-2.0) AND BSD-3-Clause", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only OR MIT AND GPL-2.0-only", False),
    ],
)
def test_or_needs_one_side_and_and_both(expression: str, allowed: bool) -> None:
    assert canonical(expression) == expression
    assert is_in(expression, ALLOWED) is allowed


IDS = st.sampled_from(["MIT", "GPL-3.0-only", "Apache-2.0", "MPL-2.0"])


@given(st.lists(IDS, min_size=1, max_size=4), st.sampled_from([" OR ", " AND "]))
def test_a_row_of_licences_is_judged_as_any_or_all(ids: list[str], word: str) -> None:
    judged = [each in ALLOWED for each in ids]

    assert is_in(word.join(ids), ALLOWED) is (any(judged) if word == " OR " else all(judged))
