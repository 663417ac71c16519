"""What a statement must not give away: of one bug, and of any."""

from __future__ import annotations

from hypothesis import strategies as st

from tasks.giveaways import Secrets

TEST = "tests/test_shop.py::test_clamp[11-10]"
REPORT = """Traceback (most recent call last):
  File "tests/test_shop.py", line 10, in test_clamp
    assert clamp(value, 0, 10) == expected
           ^^^^^^^^^^^^^^^^^^^
  File "src/shop/__init__.py", line 11, in clamp
    return low
AssertionError: assert 0 == 10
 +  where 0 = clamp(11, 0, 10)
"""
SECRETS = Secrets(
    tests=(TEST,),
    lines=("        return high", "        return low", "    if value > high:"),
    paths=("src/shop/__init__.py",),
    operator="swap-names",
)
NAMES = st.from_regex(r"test_[a-z]{2,8}", fullmatch=True)
FOLDERS = st.sampled_from(["tests/", "src/pkg/tests/", ""])
CODE = st.text(alphabet="abx_01=+<> ()[]'\".,:", min_size=1, max_size=30)


@st.composite
def hidden(draw: st.DrawFn) -> Secrets:
    """Secrets of some bug."""
    tests = draw(st.lists(st.tuples(FOLDERS, NAMES, NAMES), min_size=1, max_size=3))
    return Secrets(
        tests=tuple(f"{folder}{file}.py::{name}[1-x]" for folder, file, name in tests),
        lines=tuple(draw(st.lists(CODE, max_size=4))),
        paths=(draw(st.sampled_from(["src/shop/core.py", "shop.py"])),),
        operator=draw(st.sampled_from(["swap-arguments", "off-by-one", "boundary"])),
    )
