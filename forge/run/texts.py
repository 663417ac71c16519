"""Text that can be written as UTF-8, whatever strangers put into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def escape_surrogates(value: Any) -> Any:
    r"""Return a JSON value in which halves of characters are written out, as ``\ud83d``.

    JSON can hold them escaped, and models that are cut off write them; no UTF-8 file can, and
    strict readers refuse the escape too.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {escape_surrogates(name): escape_surrogates(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [escape_surrogates(each) for each in value]
    return value
