"""What a model is shown: the entities a fix is about, and little more."""

from __future__ import annotations

from mirror.undo.excerpts import TOTAL, WHOLE_FILE, excerpts
from syntax.patches import unified_diff

FILLER = "".join(f"def filler_{n}(value):\n    return value + {n}\n\n\n" for n in range(200))
LONG_CLASS = (
    'class Parser:\n    """Reads."""\n\n    depth = 0\n\n'
    + "".join(f"    def step_{n}(self):\n        return {n}\n\n" for n in range(40))
    + "    @property\n    def total(self):\n        count = self.depth + 1\n"
    "        return max(count, 0)\n"
)
MODULE = ("import os\n\n\n" + FILLER + LONG_CLASS).encode()
FIXED = MODULE.replace(b"max(count, 0)", b"max(count, 0, key=abs)")


def shown(files: dict[str, bytes], diff: str, **named: list[str]) -> str:
    found = excerpts(files, diff, {"pkg/parser.py": named.get("named", [])})
    return "\n----\n".join(f"{each.path}:{each.first}\n{each.text}" for each in found)


def test_a_small_file_is_shown_whole() -> None:
    (only,) = excerpts({"a.py": b"x = 1\r\n"}, "", {})
    assert (only.text, only.whole, only.first) == ("x = 1\n", True, 1)


def test_of_a_large_file_the_entity_that_holds_what_the_fix_added() -> None:
    assert len(MODULE) > WHOLE_FILE
    diff = unified_diff("pkg/parser.py", MODULE, FIXED)
    text = shown({"pkg/parser.py": FIXED}, diff)
    assert "import os" in text
    assert "@property\n    def total(self):" in text
    assert "key=abs" in text
    assert "filler_50" not in text
    assert "step_3(" not in text
    assert len(text) < 600


def test_an_entity_is_found_by_name_in_a_file_that_moved() -> None:
    diff = unified_diff("parser.py", b"def filler_77(v):\n    return v\n", b"")
    text = shown({"src/pkg/parser.py": MODULE}, diff)
    assert "def filler_77" in text
    assert "filler_90" not in text


def test_an_entity_that_the_caller_knows_is_shown() -> None:
    text = shown({"pkg/parser.py": MODULE}, "", named=["Parser.step_7"])
    assert "def step_7(" in text
    assert "def step_20(" not in text


def test_of_a_long_class_the_head_is_shown() -> None:
    text = shown({"pkg/parser.py": MODULE}, "", named=["Parser"])
    assert "depth = 0" in text
    assert "step_9" not in text


def test_nothing_is_shown_when_nothing_of_the_fix_is_found() -> None:
    diff = unified_diff("other.py", b"", b"def nowhere():\n    return 'to be seen'\n")
    assert shown({"pkg/parser.py": MODULE}, diff) == ""


def test_tests_are_not_shown_and_all_is_bounded() -> None:
    files = {f"pkg/m{n}.py": b"x = 1\n" * 900 for n in range(30)}
    found = excerpts({**files, "tests/test_a.py": b"x = 1\n"}, "", {})
    assert sum(len(each.text) for each in found) <= TOTAL
    assert all(each.path.startswith("pkg/") for each in found)


def test_of_many_entities_with_one_name_those_of_the_class_that_is_named() -> None:
    classes = "".join(
        f"class C{n}:\n    def __init__(self):\n        self.value = {n}\n\n\n" for n in range(200)
    )
    diff = unified_diff("pkg/c.py", classes.replace("= 33", "= 3333").encode(), classes.encode())
    today = {"pkg/c.py": classes.replace("value = 33", "number = 33").encode()}
    (head, only) = excerpts(today, diff, {})
    assert head.first == 1
    assert "class C33:" in only.text
    assert "class C36:" not in only.text
    anywhere = diff.replace("class C33", "class Gone")
    assert "class C150:" in excerpts(today, anywhere, {})[0].text
