"""Bugs in files of other encodings are those of their UTF-8 twins, in the files' own bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mutators.procedural import propose
from mutators.transcription import transcribe
from storage.records import Bug
from syntax.patch_text import apply_patch
from syntax.patches import encode
from tests.furniture.project import SOURCE

FORMS = {
    "latin-1": ("# coding: latin-1\n", "latin-1", "Größe"),
    "second line": ("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n", "cp1252", "“é”"),
    "signed": ("", "utf-8-sig", "→"),
    "signed cookie": ("# coding: utf-8\n", "utf-8-sig", "→"),
    "japanese": ("# coding: shift_jis\n", "shift_jis", "表示ソ"),
    "stateful": ("# coding: iso-2022-jp\n", "iso-2022-jp", "表示"),
    "cyrillic": ("# coding: koi8-r\n", "koi8-r", "Привет"),
    "plain": ("", "utf-8", "→"),
}


def texts(form: str) -> tuple[bytes, bytes, str]:
    """Return a file in a form, and as UTF-8 without mark and cookie."""
    head, codec, word = FORMS[form]
    body = "\n".join(
        f"{line}  # {word}"
        if line and not line.rstrip().endswith(('"""', ",", "(", "\\"))
        else line
        for line in SOURCE.split("\n")
    )
    twin = head.replace("coding", "codinG") if codec != "utf-8-sig" else head
    return (head + body).encode(codec), (twin + body).encode(), codec


def proposed(path: str, data: bytes, most: int | None = 40) -> list[Bug]:
    return list(propose("tree", {path: data}, {}, seed=1, max_bugs=most, compiles=None))


def with_layout(data: bytes, ends: str, codec: str) -> bytes:
    """Give a text carriage returns, form feeds, or no line end after its last line."""
    if ends == "crlf":
        return data.replace(b"\n", b"\r\n")
    if ends == "form feeds":
        return data.replace(b"\n\n", b"\n\x0c\n")
    return data.rstrip(b"\n") if ends == "no end" else data


@pytest.mark.parametrize("ends", ["lf", "crlf", "form feeds", "no end"])
@pytest.mark.parametrize("form", FORMS)
def test_every_bug_is_that_of_the_utf8_twin(form: str, ends: str) -> None:
    raw, twin, codec = texts(form)
    raw, twin = with_layout(raw, ends, codec), with_layout(twin, ends, codec)
    found = transcribe({"a.py": raw})
    assert found.files == {"a.py": twin}

    bugs = proposed("a.py", twin)

    assert len(bugs) == 40
    for bug in bugs:
        (wanted,) = apply_patch(bug.patch, {"a.py": twin}.get).values()
        restored = found.restore(bug)
        (after,) = apply_patch(restored.patch, {"a.py": raw}.get).values()
        assert wanted is not None
        assert after == wanted.replace(b"codinG", b"coding").decode().encode(codec)
        compile(after, "a.py", "exec")


def test_every_operator_that_finds_a_place_in_plain_code_finds_one_here() -> None:
    _, twin, _ = texts("latin-1")

    here = {bug.origin.operator for bug in proposed("a.py", twin, None)}

    assert here >= {bug.origin.operator for bug in proposed("a.py", SOURCE.encode(), None)}


def test_git_applies_what_is_restored(tmp_path: Path) -> None:
    raw, twin, _ = texts("latin-1")
    found = transcribe({"a.py": raw})
    for bug in proposed("a.py", twin)[::4]:
        restored = found.restore(bug)
        (tmp_path / "a.py").write_bytes(raw)
        (tmp_path / "bug.diff").write_bytes(encode(restored.patch))
        subprocess.run(["git", "apply", "bug.diff"], cwd=tmp_path, check=True)
        (after,) = apply_patch(restored.patch, {"a.py": raw}.get).values()
        assert (tmp_path / "a.py").read_bytes() == after


def test_files_that_cannot_be_read_are_named_with_why() -> None:
    found = transcribe(
        {
            "good.py": b"x = 1\n",
            "wide.py": "x = 1\n".encode("utf-16"),
            "own.py": b"# coding: klingon\nx = 1\n",
        }
    )

    assert list(found.files) == ["good.py"]
    assert sorted(found.left_out) == ["own.py", "wide.py"]
    assert "klingon" in found.left_out["own.py"].detail


def test_bugs_of_plain_files_are_left_as_they_are() -> None:
    bugs = proposed("a.py", SOURCE.encode())
    found = transcribe({"a.py": SOURCE.encode(), "b.py": b"\xef\xbb\xbfx = 1\n"})

    assert [found.restore(bug) for bug in bugs] == bugs
