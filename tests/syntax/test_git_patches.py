"""The reader and writer of patches are held to git: generated trees and edits, real git diffs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import PatchError
from storage.git import git
from storage.patched_trees import apply_by_git
from storage.trees import Trees
from syntax.binary_patches import apply_delta
from syntax.patch_text import PatchedFile, parse, patch_files, restrict_patch, reverse_patch
from syntax.patches import decode, encode, unified_diff

often = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class File(NamedTuple):
    """A file of a generated tree."""

    mode: str
    content: bytes


Tree = dict[str, File]

NAMES = [
    "a.py",
    "b/a.py",
    "b/b/x y",
    "x b/x b",
    " lead",
    "trail ",
    "tab\there",
    "new\nline",
    'quo"te',
    "back\\slash",
    "ünï/cödé.py",
    os.fsdecode(b"raw\xff\x80"),
    "form\x0cfeed",
    "dev/null",
    "--- a",
]
LINES = st.sampled_from(
    [
        *(b"a\n", b"b\n", b"c\r\n", b"\n", b"\x0cform\n", "é\n".encode(), b"\xff\n", b"d\re\n"),
        *(b"--- a/x\n", b"+++ b/x\n", b"@@ -1 +1 @@\n", b"diff --git a/a b/a\n", b"-- \n"),
        *(b"def one():\n", b"    return 1\n", b"\\ No newline at end of file\n", b" \n"),
    ]
)
TEXTS = st.builds(
    lambda lines, tail: b"".join(lines) + tail,
    st.lists(LINES, max_size=40),
    st.sampled_from([b"", b"", b"end", b"\r", b" "]),
)
BINARIES = st.builds(lambda data, n: b"\0" + data * n, st.binary(max_size=60), st.integers(0, 9))
CONTENTS = st.one_of(TEXTS, TEXTS, BINARIES, st.just(b""))
FILES = st.one_of(
    st.builds(File, st.sampled_from(["100644", "100755"]), CONTENTS),
    st.builds(File, st.just("120000"), st.sampled_from([b"a.py", b"../up", b"x y"])),
    st.builds(
        File,
        st.just("160000"),
        st.sampled_from([b"Subproject commit %s\n" % (digit * 40) for digit in (b"1", b"2")]),
    ),
)
TREES = st.dictionaries(st.sampled_from(NAMES), FILES, max_size=5)
OPTIONS = st.lists(
    st.sampled_from(
        [
            *("-M", "-C", "--find-copies-harder", "-B", "-M10%", "-C20%", "--no-prefix"),
            *("--src-prefix=i/", "-W", "--patience", "--histogram", "--inter-hunk-context=3"),
            *(f"-U{count}" for count in (0, 0, 1, 2, 5, 10)),
        ]
    ),
    max_size=4,
)


@st.composite
def edit_tree(draw: st.DrawFn, old: Tree) -> Tree:
    """Change files, their modes and kinds; move and copy them; delete and add some."""
    new = dict(old)
    for path in sorted(old):
        kind = draw(st.sampled_from(["keep", "edit", "mode", "other", "gone", "move", "copy"]))
        file = old[path]
        is_text = file.mode.startswith("100")
        if kind == "edit" and is_text:
            new[path] = File(file.mode, draw(edit_content(file.content)))
        elif kind == "mode" and is_text:
            new[path] = File("100644" if file.mode == "100755" else "100755", file.content)
        elif kind == "other":
            new[path] = draw(FILES)
        elif kind == "gone":
            new.pop(path, None)
        elif kind in ("move", "copy"):
            target = draw(st.sampled_from(NAMES))
            content = draw(edit_content(file.content)) if is_text else file.content
            if kind == "move":
                new.pop(path, None)
            new[target] = File(file.mode, content)
    return new | draw(st.dictionaries(st.sampled_from(NAMES), FILES, max_size=1))


@st.composite
def edit_content(draw: st.DrawFn, content: bytes) -> bytes:
    """Change some lines, or bytes of what is no text."""
    if b"\0" in content:
        return content + draw(st.binary(max_size=4))
    lines = content.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 3))] = draw(st.lists(LINES, max_size=2))
    return b"".join(lines)


PAIRS = TREES.flatmap(lambda old: st.tuples(st.just(old), edit_tree(old)))


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    return Trees(tmp_path_factory.mktemp("cache"))


def store(trees: Trees, files: Mapping[str, File]) -> str:
    """Keep a tree by one process of git, submodules included."""
    stream = [b"commit refs/heads/x\ncommitter A <a@b> 0 +0000\ndata 0\ndeleteall\n"]
    for path, (mode, content) in files.items():
        raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        if mode == "160000":
            stream.append(b'M 160000 %s "%s"\n' % (content.split()[2], raw))
            continue
        stream.append(b'M %s inline "%s"\ndata %d\n' % (mode.encode(), raw, len(content)))
        stream.append(content + b"\n")
    git(*at(trees), "fast-import", "--quiet", "--force", stdin=b"".join(stream))
    return git(*at(trees), "rev-parse", "refs/heads/x^{tree}").decode().strip()


def at(trees: Trees) -> tuple[str, ...]:
    return (f"--git-dir={trees.git_dir}", "-c", "core.quotePath=true")


def diff(trees: Trees, old: str, new: str, options: list[str]) -> bytes:
    words = ["diff-tree", "-r", "-p", "--binary", "--full-index", *options]
    if "-U0" in options and "-W" in options:
        # Hunks of functions among hunks without context: git itself cannot tell where one ends.
        words = [word for word in words if word != "-W"]
    if "--src-prefix=i/" in options:
        words += ["--src-prefix=i/", "--dst-prefix=w/"]
    return git(*at(trees), *words, old, new)


def changed(before: Tree, after: Tree) -> dict[str, PatchedFile]:
    """What a patch between two trees has to say."""
    return {
        path: PatchedFile(None)
        if path not in after
        else PatchedFile(after[path][1], after[path][0])
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }


def read(patch: bytes, files: Tree, *, reverse: bool = False) -> dict[str, PatchedFile]:
    """What the reader says of a patch, without what stays as it was."""
    found = patch_files(
        decode(patch),
        lambda path: files[path].content if path in files else None,
        reverse=reverse,
        read_mode=lambda path: files[path].mode if path in files else None,
    )
    now = {path: PatchedFile(file.content, file.mode) for path, file in files.items()}
    gone = PatchedFile(None)
    return {path: file for path, file in found.items() if file != now.get(path, gone)}


@often
@given(pair=PAIRS, options=OPTIONS)
def test_the_reader_says_what_git_makes_both_ways(
    trees: Trees, pair: tuple[Tree, Tree], options: list[str]
) -> None:
    old, new = pair
    old_tree, new_tree = store(trees, old), store(trees, new)
    patch = diff(trees, old_tree, new_tree, options)

    assert read(patch, old) == changed(old, new)
    assert read(patch, new, reverse=True) == changed(new, old)


@often
@given(pair=PAIRS, options=OPTIONS)
def test_git_applies_what_the_writer_writes(
    trees: Trees, pair: tuple[Tree, Tree], options: list[str]
) -> None:
    old, new = ({p: f for p, f in tree.items() if f.mode != "160000"} for tree in pair)
    old_tree, new_tree = store(trees, old), store(trees, new)
    patch = "".join(
        unified_diff(
            path,
            old[path].content if path in old else None,
            new[path].content if path in new else None,
            mode=(new.get(path) or old[path]).mode,
            old_mode=old[path].mode if path in old else None,
        )
        for path in sorted(old.keys() | new.keys())
    )
    if patch:
        assert apply_by_git(trees, old_tree, encode(patch)).tree == new_tree
        assert apply_by_git(trees, new_tree, encode(patch), "-R").tree == old_tree
    gits = diff(trees, old_tree, new_tree, options)
    if gits and not any(part.move == "copy" for part in parse(decode(gits))):
        undo = encode(reverse_patch(decode(gits)))
        zero = ["--unidiff-zero"] * ("-U0" in options)
        assert apply_by_git(trees, new_tree, undo, *zero).tree == old_tree


@often
@given(pair=PAIRS, options=OPTIONS, kept=st.sets(st.sampled_from(NAMES)))
def test_a_restricted_patch_changes_the_paths_kept_alone(
    trees: Trees, pair: tuple[Tree, Tree], options: list[str], kept: set[str]
) -> None:
    old, new = pair
    patch = diff(trees, store(trees, old), store(trees, new), options)

    some = restrict_patch(
        decode(patch),
        kept.__contains__,
        lambda path: old[path].content if path in old else None,
        read_mode=lambda path: old[path].mode if path in old else None,
    )

    whole = changed(old, new)
    assert read(encode(some), old) == {path: whole[path] for path in whole if path in kept}


WRITTEN = (
    b"diff --git a/a.py b/a.py\nindex 1111111..2222222 100644\n--- a/a.py\n+++ b/a.py\n"
    b"@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n"
    b"diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n"
    b"diff --git a/b b/c\nsimilarity index 90%\nrename from b\nrename to c\n"
    b"--- a/b\n+++ b/c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    b'diff --git "a/q\\tq" "b/q\\tq"\nold mode 100644\nnew mode 100755\n'
    b"diff --git a/p b/p\n"
    b"index 0000000000000000000000000000000000000000.."
    b"d41be67d2d9c4b8b71bd9cc5f3f2ed64c9a3a094\nGIT binary patch\nliteral 6\n"
    b"NcmeAS@N;Ki1^@=!0dfEU\n\nliteral 0\nHcmV?d00001\n\n"
)
PIECES = st.sampled_from(
    [
        *(b"@@ -0,0 +1 @@\n", b"@@ -1,9999999 +1 @@\n", b"--- /dev/null\n", b"+++ b/x\n", b"+x\n"),
        *(b"\\ No newline at end of file\n", b"GIT binary patch\n", b"delta 5\n", b"literal 99\n"),
        *(b"new file mode 120000\n", b"deleted file mode 100644\n", b"rename from a.py\n", b"\n"),
        *(b"copy to ../x\n", b"diff --git a/x b/x\n", b'diff --git "a/\\', b"\0", b"\r\n", b"\xff"),
        *(b"index 1..2 160000\n", b"Binary files a/x and b/x differ\n", b"-- \n2.39\n", b"@@ -"),
    ]
)


@st.composite
def mutate_patch(draw: st.DrawFn) -> bytes:
    """Cut, double, swap and put in pieces of a patch that is right."""
    patch = draw(st.sampled_from([WRITTEN, WRITTEN * 2, WRITTEN[:190]]))
    for _ in range(draw(st.integers(1, 5))):
        low = draw(st.integers(0, len(patch)))
        high = min(low + draw(st.integers(0, 40)), len(patch))
        middle = draw(st.one_of(PIECES, st.binary(max_size=5), st.just(patch[low:high] * 2)))
        patch = patch[:low] + middle + patch[high:]
    return patch


@settings(max_examples=settings().max_examples * 8)
@given(patch=mutate_patch(), reverse=st.booleans())
def test_a_mutated_patch_is_refused_in_one_line_or_applied(patch: bytes, reverse: bool) -> None:
    files = {"a.py": b"a\nb\nd\n", "b": b"a", "q\tq": b"q\n", "c": b"", "p": b"\0"}
    for call in (
        lambda: patch_files(decode(patch), files.get, reverse=reverse),
        lambda: reverse_patch(decode(patch)),
        lambda: restrict_patch(decode(patch), lambda path: path in files, files.get),
    ):
        try:
            call()
        except PatchError as error:
            assert "\n" not in str(error)


@often
@given(patch=mutate_patch())
def test_what_the_reader_takes_git_takes_alike(trees: Trees, patch: bytes) -> None:
    files = {
        "a.py": File("100644", b"a\nb\nd\n"),
        "b": File("100644", b"a"),
        "q\tq": File("100644", b"q\n"),
    }
    tree = store(trees, files)
    try:
        gits = apply_by_git(trees, tree, patch)
    except PatchError:
        return
    try:
        ours = read(patch, files)
    except PatchError:
        # Stricter in what git lets pass: paths, two sections that make the same file.
        return
    kept = {path: file for path, file in ours.items() if file.mode != "160000"}
    assert kept == {
        path: PatchedFile(content, gits.modes.get(path, "")) for path, content in gits.files.items()
    }


def test_hostile_patches_take_time_that_grows_with_their_size_alone() -> None:
    same = b"a\n" * 100_000
    block = b"".join(b" a\n" for _ in range(50_000))
    far = b"--- a/a.py\n+++ b/a.py\n@@ -9,50001 +9,50002 @@\n" + block + b"+x\n b\n"
    spaces = b"diff --git " + b" " * 15_000 + b"\nindex 1..2\n"
    quotes = b'diff --git a "' + b'\\"' * 7_000 + b"\nindex 1..2\n"
    stamps = b"--- a" + b" \t" * 100_000 + b"\n+++ b\n@@ -1 +1 @@\n-a\n+b\n"
    many = b"".join(b"@@ -%d +%d @@\n-a\n+b\n" % (n, n) for n in range(2, 20_000, 2))
    for patch in (far, spaces * 50, quotes * 50, stamps, b"--- a/a.py\n+++ b/a.py\n" + many):
        with contextlib.suppress(PatchError):
            patch_files(decode(patch), {"a.py": same}.get)


def test_a_delta_that_grows_without_bound_is_refused() -> None:
    copies = b"\x90\x01" * 100_000  # Each copies 65,536 bytes from the start.
    delta = b"\x80\x80\x04" + b"\xff\xff\xff\xff\x7f" + copies

    with pytest.raises(PatchError):
        apply_delta(b"\0" * 65_536, delta)
