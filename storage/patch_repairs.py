"""What a patch loses on its way, given back: only for one that git refused, and always noted.

Pure: bytes in, bytes out. Each repair has a cause that is known in the field: a model's answer
that went through ``strip()``, a patch saved with Windows' line ends, ``git diff`` without
``--binary``, an editor's byte order mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from storage.quoted_paths import QUOTED, unquote_path

BOM = b"\xef\xbb\xbf"
RANGE = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
HEADER = re.compile(rb"^(?:diff --git |--- |\+\+\+ |@@ -)[^\n]*", re.M)
NAMES = re.compile(rb"^(?:--- |\+\+\+ |(?:rename|copy) (?:from|to) )([^\t\r\n]*)", re.M)
START = rb"^diff --git ([^\r\n]*)\r?\n"
EXTENDED = (
    rb"(?:(?:old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from"
    rb"|rename to|similarity index|dissimilarity index|index) [^\n]*\n)*"
)
DATALESS_BINARY = re.compile(START + EXTENDED + rb"Binary files [^\n]* differ\r?(?:\n|\Z)", re.M)
BINARY_DATA = re.compile(
    START + EXTENDED + rb"GIT binary patch\n(?:(?:(?:literal|delta) \d+|[A-Za-z][!-~]+|)\n)*", re.M
)
GITLINK = re.compile(
    START
    + rb"(?=%s(?:[a-z ]+ mode|index [0-9a-f]+\.\.[0-9a-f]+) 160000\r?$)" % EXTENDED
    + EXTENDED
    + rb"(?:--- [^\n]*\n\+\+\+ [^\n]*\n@@ [^\n]*\n(?:[-+]Subproject commit [^\n]*(?:\n|\Z))+)?",
    re.M,
)
NAMELESS = (b"@@", b"--- /dev/null", b"+++ /dev/null")
KEPT = (
    *(b"diff --git ", b"--- ", b"+++ ", b"\\", b"index ", b"new file mode ", b"deleted file mode "),
    *(b"old mode ", b"new mode ", b"rename ", b"copy ", b"similarity ", b"dissimilarity "),
)
CHOPPED = 3
"""Blank lines that may be missing at the end of a patch, as for patch(1)."""


@dataclass(frozen=True, slots=True)
class RepairedPatch:
    """A patch with what it lost, and what was done to it."""

    patch: bytes
    notes: tuple[str, ...] = ()

    def with_repair(self, repair: Callable[[bytes], tuple[bytes, str]]) -> RepairedPatch:
        """Return this patch with one more repair, the same where it has nothing to do."""
        patch, note = repair(self.patch)
        return RepairedPatch(patch, (*self.notes, note)) if note else self


def repair_patch(patch: bytes) -> RepairedPatch:
    """Return what a patch may have been; itself where nothing is missing."""
    return (
        RepairedPatch(patch)
        .with_repair(drop_bom)
        .with_repair(convert_line_ends)
        .with_repair(complete_last_hunk)
        .with_repair(drop_dataless_binaries)
        .with_repair(drop_gitlinks)
    )


def drop_bom(patch: bytes) -> tuple[bytes, str]:
    """Drop a byte order mark before the first header."""
    if not patch.startswith(BOM):
        return patch, ""
    return patch.removeprefix(BOM), "its byte order mark was dropped"


def convert_line_ends(patch: bytes) -> tuple[bytes, str]:
    """Take carriage returns where every header line has one: git writes none there."""
    headers = HEADER.findall(patch)
    if not headers or not all(line.endswith(b"\r") for line in headers):
        return patch, ""
    return patch.replace(b"\r\n", b"\n"), "its line ends were converted from CRLF"


def complete_last_hunk(patch: bytes) -> tuple[bytes, str]:
    """Give back a lost last line feed, and blank context lines lost with it."""
    missing = 0 if patch.endswith(b"\n") else 1
    whole = patch + b"\n" * missing
    blank = count_missing_lines(whole)
    if blank:
        note = f"{blank} blank line{'s' * (blank > 1)} missing at its end: added"
    else:
        note = "its last line feed was missing: added" if missing else ""
    return whole + b" \n" * blank, note


def count_missing_lines(patch: bytes) -> int:
    """Count the context lines by which the last hunk is shorter than its header says."""
    found = list(re.finditer(rb"^" + RANGE.pattern, patch, re.M))
    if not found:
        return 0
    body = patch[found[-1].start() :].split(b"\n")[1:-1]
    old, new = (int(count or 1) for count in found[-1].groups())
    marks = [line[:1] for line in body if not line.startswith(b"\\")]
    if set(marks) - {b" ", b"", b"\r", b"-", b"+"}:
        return 0
    old -= sum(mark != b"+" for mark in marks)
    new -= sum(mark != b"-" for mark in marks)
    return old if old == new and 0 < old <= CHOPPED else 0


def drop_dataless_binaries(patch: bytes) -> tuple[bytes, str]:
    """Leave out sections that say a binary file differs, but not how."""
    return drop_sections(patch, DATALESS_BINARY, "without data left out")


def drop_gitlinks(patch: bytes) -> tuple[bytes, str]:
    """Leave out submodules: a tree holds none, and no files come with them."""
    return drop_sections(patch, GITLINK, "of submodules left out")


def drop_sections(patch: bytes, unwanted: re.Pattern[bytes], why: str) -> tuple[bytes, str]:
    """Leave out sections, and name them; the rest stays as it is."""
    names = dict.fromkeys(name_section(match[1]) for match in unwanted.finditer(patch))
    if not names:
        return patch, ""
    return unwanted.sub(b"", patch), f"changes {why}: {', '.join(names)}"


def split_binary(patch: bytes) -> tuple[bytes, bytes]:
    """Return a patch's text and its binary sections: the latter are for git alone."""
    return BINARY_DATA.sub(b"", patch), b"".join(m[0] for m in BINARY_DATA.finditer(patch))


def name_section(names: bytes) -> str:
    """Name the file of a line ``diff --git``, without its prefix."""
    name = second_name(names)
    return (name.partition(b"/")[2] or name).decode("utf-8", "replace")


def second_name(names: bytes) -> bytes:
    """Return the second of the two names after ``diff --git``; unquoted ones are equally long."""
    if names.startswith(b'"') and (first := QUOTED.match(names)):
        return unquote_path(names[first.end() :].lstrip())
    if (quote := names.find(b'"')) > 0:
        return unquote_path(names[quote:])
    return names[len(names) // 2 + 1 :]


def list_names(patch: bytes) -> set[bytes]:
    """Return every name in the headers of a patch, prefixes included."""
    named = {unquote_path(name) for name in NAMES.findall(patch)}
    titled = {second_name(match[1]) for match in re.finditer(START, patch, re.M)}
    return (named | titled) - {b"/dev/null"}


def is_unprefixed(patch: bytes) -> bool:
    """Say whether a patch was written with ``--no-prefix``: no name starts with a/ or b/."""
    lines = [line for line in HEADER.findall(patch) if not line.startswith(NAMELESS)]
    return bool(lines) and not any(re.match(rb'\S+(?: --git)? "?[ab]/', line) for line in lines)


def drop_garbage(patch: bytes) -> bytes:
    """Keep headers and hunks alone: no mail, no prose, no script in another format."""
    kept: list[bytes] = []
    old = new = 0
    for line in patch.split(b"\n"):
        if old > 0 or new > 0:
            old -= not line.startswith((b"+", b"\\"))
            new -= not line.startswith((b"-", b"\\"))
        elif match := RANGE.match(line):
            old, new = (int(count or 1) for count in match.groups())
        elif not line.startswith(KEPT):
            continue
        kept.append(line)
    return b"".join(line + b"\n" for line in kept)
