"""Colours that can be read, by day and by night."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import product

import pytest

STYLE = files("bot.service.pages").joinpath("static", "style.css").read_text()
BLOCKS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
TEXT = [
    *product(("ink", "soft", "link"), ("page", "card", "row")),
    *((name, f"{name}-back") for name in ("good", "bad", "warn")),
    *product(("ink",), ("plain-back", "added", "removed", "hunk", "bad-back")),
    ("on-accent", "accent"), ("soft", "hunk"), ("good", "added"), ("bad", "removed"),
    ("warn", "warn-back"), ("soft", "added"), ("soft", "removed"), ("bad", "card"),
]  # fmt: skip
SHAPES = [("filled", "page"), ("focus", "page"), ("soft", "card"), ("accent", "card")]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("block", BLOCKS, ids=["light", "dark"])
def test_text_and_shapes_stand_out_as_wcag_asks(block: str) -> None:
    named = colours(block)
    for front, back in TEXT:
        found = contrast(named[front], named[back])
        assert found >= 4.5, (front, back, round(found, 2))
    for front, back in SHAPES:
        assert contrast(named[front], named[back]) >= 3, (front, back)


def test_dark_and_light_have_the_same_colours() -> None:
    assert len(BLOCKS) == 2
    assert colours(BLOCKS[0]).keys() == colours(BLOCKS[1]).keys()


def test_the_stylesheet_loads_nothing() -> None:
    assert "url(" not in STYLE and "@import" not in STYLE
