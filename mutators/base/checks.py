"""Is a change worth proposing? It must compile, and must not compile to what was there.

Only the unit around the change is compiled, never the file. Equal bytecode is refused: a change
that leaves the syntax tree as it was compiles to the same code, and so do some that no test
could ever tell from the original.
"""

from __future__ import annotations
import __future__

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any

from mutators.base.sites import CompilableUnit
from syntax.splices import Splice, merge

Compiles = Callable[[list[str]], list[bool]]
"""Say of each source whether it compiles under the Python the environment has."""

FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


class Checker:
    """Checks the changes of one file under the running Python."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        future = b"from __future__ import annotations" in data
        self._flags = __future__.annotations.compiler_flag if future else 0
        self._originals: dict[CompilableUnit, Any] = {}

    def check_change(self, unit: CompilableUnit, splice: Splice) -> str | None:
        """Return the unit's source after the change, or None when it is not worth proposing."""
        found = self._compare_unit(unit, splice)
        return found[0] if found is not None and found[1] else None

    def check_changes(self, shared: Mapping[CompilableUnit, Sequence[Splice]]) -> str | None:
        """Return the changed units one after another; None when they are not worth proposing.

        Each has to compile, and one of them to another code than before.
        """
        found = [self._compare_unit(u, merge(self._data, splices)) for u, splices in shared.items()]
        good = [each for each in found if each is not None]
        if len(good) < len(found) or not any(differs for _, differs in good):
            return None
        return "\n".join(source for source, _ in good)

    def _compare_unit(self, unit: CompilableUnit, splice: Splice) -> tuple[str, bool] | None:
        """Return a unit's source after a change, and whether its code differs."""
        if unit not in self._originals:
            self._originals[unit] = self._fingerprint(wrap_unit(self._data[unit.start : unit.end]))
        original = self._originals[unit]
        source = wrap_unit(
            self._data[unit.start : splice.start] + splice.text + self._data[splice.end : unit.end]
        )
        after = self._fingerprint(source)
        if original is None or after is None:
            return None
        return source.decode("utf-8"), after != original

    def _fingerprint(self, source: bytes) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # As text: bytes would be read by a cookie among their first lines.
                text = source.decode("utf-8")
                code = compile(text, "<unit>", "exec", self._flags, dont_inherit=True)
        except FAILURES:
            return None
        return fingerprint(code)


def wrap_unit(unit: bytes) -> bytes:
    """Make a unit a module of its own: indented lines become the body of a class."""
    if not unit.strip():
        return b"pass\n"
    first = unit.lstrip(b"\r\n")
    return b"class _:\n" + unit if first[:1] in (b" ", b"\t") else unit


def fingerprint(code: CodeType) -> tuple[Any, ...]:
    """What a code object does, without where it stands."""
    consts = tuple(
        fingerprint(value) if isinstance(value, CodeType) else (type(value), repr(value))
        for value in code.co_consts
    )
    return (
        code.co_code,
        consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_name,
        getattr(code, "co_exceptiontable", b""),
    )
