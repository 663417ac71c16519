"""What the ids of tests say: the file, the test's own name in it, and whether it is an example."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class FileTests(NamedTuple):
    """What one file holds of some tests."""

    code: frozenset[str]
    """Names of functions and classes at the module's top."""
    examples: frozenset[str]
    """Qualified names of what has examples in its docstring; empty for the module's own."""
    is_text: bool
    """The file is a text whose examples are one test."""
    is_documented: bool = False
    """Tests in it are named by places, not by functions: examples that a plugin found."""


NO_TESTS = FileTests(frozenset(), frozenset(), is_text=False)


@lru_cache(maxsize=8)
def group_tests(tests: tuple[str, ...]) -> dict[str, FileTests]:
    """Return for each file what it holds of the tests, by their pytest ids."""
    code: dict[str, set[str]] = {}
    examples: dict[str, set[str]] = {}
    texts: set[str] = set()
    documented: set[str] = set()
    for test in tests:
        path, _, name = test.partition("::")
        if is_text_example(test):
            texts.add(path)
        elif is_doctest(test):
            examples.setdefault(path, set()).add(entity_of_doctest(test))
        elif path.endswith(".py") and not first_name(name).isidentifier():
            documented.add(path)
        else:
            code.setdefault(path, set()).add(first_name(name))
    return {
        path: FileTests(
            code=frozenset(code.get(path, ())) - {""},
            examples=frozenset(examples.get(path, ())),
            is_text=path in texts,
            is_documented=path in documented,
        )
        for path in {*code, *examples, *texts, *documented}
    }


def first_name(name: str) -> str:
    """Return the function or class at a module's top that a test is named by."""
    return name.partition("::")[0].partition("[")[0]


def is_text_example(test: str) -> bool:
    """Say whether an id is of a text's examples: the file's own name stands behind its path."""
    path, _, name = test.partition("::")
    return bool(name) and path.rpartition("/")[2] == name


def is_doctest(test: str) -> bool:
    """Say whether an id is of a docstring's examples: named by module, not by function.

    So pytest names them, as ``src/shop/cart.py::shop.cart.Cart.total``.
    """
    return _module_of(test) is not None


def entity_of_doctest(test: str) -> str:
    """Return the qualified name of what has the examples; empty for the module itself."""
    module = _module_of(test)
    name = test.partition("::")[2]
    return name if module is None else name[len(module) :].lstrip(".")


def _module_of(test: str) -> str | None:
    """Return the module that a docstring's test is named by; None for other tests."""
    path, _, name = test.partition("::")
    if not path.endswith(".py"):
        return None
    stem = path[: -len(".py")]
    if stem.endswith("/__init__"):
        stem = stem[: -len("/__init__")]
    parts = stem.split("/")
    for module in (".".join(parts[first:]) for first in range(len(parts))):
        whole = name == module and ("." in name or len(parts) == 1)
        if whole or name.startswith(module + "."):
            return module
    return None
