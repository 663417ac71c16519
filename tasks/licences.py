"""The licence of a repository's tree as an SPDX expression, and whether an allow-list has it.

A licence's own text is the surest evidence (askalono compares it with all texts of the SPDX list),
then an expression in the packaging files (PEP 639), then a trove classifier.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import askalono  # type: ignore[import-untyped]
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from tasks.declared import Declared, Read, read_declared

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Python-2.0",
        "Python-2.0.1",
        "Unlicense",
        "ZPL-2.1",
        "Zlib",
    }
)
"""Licences that let anybody pass the code on, changed, under terms of their own."""
FILE_NAME = re.compile(r"(?:un)?licen[sc]e(?:[._-].*)?|copying(?:\..*)?|.*[._-]licen[sc]e", re.I)
SURE = 0.8
"""Likeness from which a text counts as a licence's; a different name or year costs nothing."""
LONGEST = 200_000
TAKEN_FOR = {"Pixar": ("Pixar", "Apache-2.0")}
"""Texts that another one, its appendix left out, is taken for; the mark that only the first has."""
SPOKEN = {
    "mit license": "MIT",
    "the mit license": "MIT",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "new bsd": "BSD-3-Clause",
    "isc license": "ISC",
    "mpl 2.0": "MPL-2.0",
}
"""What people write where an expression belongs. "BSD" alone says too little."""
CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
}
"""Ends of trove classifiers that name one licence; "BSD License" names a family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a tree says of its licence, each statement with where it stands, the surest first."""

    statements: tuple[tuple[str, str], ...] = ()
    """SPDX expression, and the file (or kind of statement) that says it."""

    @property
    def expression(self) -> str:
        """The licence as one SPDX expression; empty when nothing was found."""
        return self.statements[0][0] if self.statements else ""

    def explain_refusal(self, allowed: Collection[str] = ALLOWED) -> str:
        """Say why it is not allowed, empty when it is: every statement must be.

        Whoever has to go by two statements that differ cannot rely on the more generous one.
        """
        if not self.statements:
            return "no licence was found in its files"
        bad = [
            f"{found} ({place})" for found, place in self.statements if not is_in(found, allowed)
        ]
        return f"{', '.join(bad)} is not on the list of allowed licences" if bad else ""


def detect(paths: Iterable[str], read: Read) -> Licence:
    """Find the licence in a tree's files. Deterministic; nothing is asked of any host."""
    told = read_declared(read)
    found = [*from_texts(licence_files(paths, told), read), *from_packaging(told)]
    return Licence(statements=tuple(dict.fromkeys(found)))


def licence_files(paths: Iterable[str], packaging: Declared) -> list[str]:
    """Return the files at the top that are licences by their name, or that packaging names."""
    known = sorted(paths)
    named = {p for p in known for pattern in packaging.license_files if fnmatchcase(p, pattern)}
    top = {path for path in known if "/" not in path and FILE_NAME.fullmatch(path)}
    return sorted(named | top, key=lambda path: (PurePosixPath(path).name.lower(), path))


def from_texts(files: Iterable[str], read: Read) -> Iterator[tuple[str, str]]:
    """Yield what each licence file is the text of."""
    for path in files:
        text = (read(path) or b"")[:LONGEST].decode("utf-8", "replace")
        if text.strip() and (name := identify_licence(text)):
            yield name, path


def identify_licence(text: str) -> str:
    """Return the SPDX id of a licence's text, empty when it is none that is known."""
    found = askalono.identify(text)
    if found.score < SURE:
        return ""
    marker, instead = TAKEN_FOR.get(found.name, ("", found.name))
    return canonical(found.name if marker and marker in text else instead)


def from_packaging(packaging: Declared) -> Iterator[tuple[str, str]]:
    """Yield what packaging files say, as far as it names one licence."""
    if expression := canonical(packaging.license) or SPOKEN.get(packaging.license.casefold(), ""):
        yield expression, "packaging"
    for classifier in packaging.classifiers:
        name = CLASSIFIERS.get(classifier.rpartition(" :: ")[2])
        if name and classifier.startswith("License :: "):
            yield name, "classifier"


def canonical(text: str) -> str:
    """Return an SPDX expression as the list spells it, empty when it is none."""
    try:
        return str(canonicalize_license_expression(text)) if text.strip() else ""
    except InvalidLicenseExpression:
        return ""


def is_in(expression: str, allowed: Collection[str]) -> bool:
    """Say whether a canonical expression is allowed: one side of OR is enough, AND needs both."""
    words = re.findall(r"[()]|[^\s()]+", expression)
    value, rest = _any(words, {each.casefold() for each in allowed})
    return value and not rest


def _any(words: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    value, words = _all(words, allowed)
    while words and words[0] == "OR":
        other, words = _all(words[1:], allowed)
        value = value or other
    return value, words


def _all(words: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    value, words = _one(words, allowed)
    while words and words[0] == "AND":
        other, words = _one(words[1:], allowed)
        value = value and other
    return value, words


def _one(words: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    """Judge a name, or what is in brackets. An exception only gives more than its licence does."""
    if words and words[0] == "(":
        value, rest = _any(words[1:], allowed)
        return value, rest[1:]
    value, rest = bool(words) and words[0].casefold() in allowed, words[1:]
    return value, rest[2:] if rest[:1] == ["WITH"] else rest
