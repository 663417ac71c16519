"""What shows a fix is found wherever it lies; what is only like it is not."""

from __future__ import annotations

import difflib
import gzip
import io
import json
import py_compile
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaks.archives import members
from harness.leaks.places import Chunks, folder_files, image_files
from harness.leaks.search import Leak, search
from harness.sandboxes.base_image import DEFAULT_TAG
from harness.sandboxes.docker_build import TREE
from syntax.needles import found_in, index_of, needles_of

CLEAN = b'''"""Prices."""


def clamp(value, low, high):
    """Keep a value within bounds."""
    lowest = min(value, high)
    return max(low, lowest)


def discount(total, members=False):
    rate = 10 if total >= 100 else 0
    return total - total * rate / 100
'''
BROKEN = CLEAN.replace(b"return max(low, lowest)", b"return min(low, lowest)")
PATH = "src/shop/prices.py"
NEEDLES = needles_of("it", {PATH: CLEAN}, {PATH: BROKEN})
INDEX = index_of([NEEDLES])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What a solver is given: a work tree of one commit with the bug, and a library beside it."""
    root = tmp_path / "given"
    write(root / PATH, BROKEN)
    write(root / "venv/lib/other.py", b"def other():\n    return max(low, lowest)\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "src")
    git(root, "commit", "-q", "-m", "Start")
    for name in ("logs", "COMMIT_EDITMSG"):
        subprocess.run(["rm", "-rf", str(root / ".git" / name)], check=True)
    return root


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def compiled(content: bytes, place: Path, name: str = PATH) -> bytes:
    write(place / name, content)
    target = place / "out.pyc"
    py_compile.compile(str(place / name), cfile=str(target), dfile=f"/build/{name}", doraise=True)
    return target.read_bytes()


def leaks(root: Path) -> list[Leak]:
    return list(search(folder_files(root), INDEX, tree=""))


def kinds(root: Path) -> set[str]:
    return {leak.kind for leak in leaks(root)}


def test_where_there_is_nothing_nothing_is_found(place: Path) -> None:
    assert leaks(place) == []


def copy(root: Path) -> None:
    write(root / "venv/lib/python3.11/site-packages/shop/prices.py", CLEAN)


def build(root: Path) -> None:
    write(root / "build/lib/shop/prices.py", CLEAN.replace(b"\n", b"\r\n"))


def notebook(root: Path) -> None:
    write(root / "notes.ipynb", json.dumps({"cell": CLEAN.decode()}).encode())


def wheel(root: Path) -> None:
    write(root / "dist/shop-1.0-py3-none-any.whl", zipped("shop/prices.py", CLEAN))


def sdist(root: Path) -> None:
    write(root / "dist/shop-1.0.tar.gz", tarred("shop-1.0/src/shop/prices.py", CLEAN))


def pip_cache(root: Path) -> None:
    body = b"cc=4,headers" + zipped("shop/prices.py", CLEAN)
    write(root / ".cache/pip/http-v2/a/b/c", body)


def diff(root: Path) -> None:
    pairs = BROKEN.decode().splitlines(True), CLEAN.decode().splitlines(True)
    write(root / "fix.patch", "".join(difflib.unified_diff(*pairs, PATH, PATH)).encode())


def diff_of_the_bug(root: Path) -> None:
    pairs = CLEAN.decode().splitlines(True), BROKEN.decode().splitlines(True)
    quoted = "".join(difflib.unified_diff(*pairs, PATH, PATH))
    write(root / "bug.json", json.dumps({"patch": quoted}).encode())


def nested(root: Path) -> None:
    write(root / "all.zip", zipped("dist/shop.whl", zipped("shop/prices.py", CLEAN)))


def squeezed(root: Path) -> None:
    write(root / "prices.py.gz", gzip.compress(CLEAN))


def lone_bytecode(root: Path) -> None:
    code = compiled(CLEAN, root.parent / "elsewhere")
    write(root / "venv/lib/shop/prices.cpython-311.pyc", code)


def cached_bytecode(root: Path) -> None:
    code = compiled(CLEAN, root.parent / "elsewhere")
    write(root / "src/shop/__pycache__/prices.cpython-311.pyc", code)


def second_commit(root: Path) -> None:
    write(root / PATH, CLEAN)
    git(root, "commit", "-aqm", "Before")
    git(root, "reset", "-q", "--hard", "HEAD~1")


def packed(root: Path) -> None:
    second_commit(root)
    git(root, "reset", "-q", "--hard", "HEAD@{1}")
    git(root, "repack", "-adq")
    git(root, "reset", "-q", "--hard", "HEAD~1")


def remote(root: Path) -> None:
    git(root, "remote", "add", "origin", "https://example.com/shop.git")


def tag(root: Path) -> None:
    git(root, "tag", "v1.0")


def reflog(root: Path) -> None:
    git(root, "commit", "--amend", "-qm", "Start again")


def fetched(root: Path) -> None:
    write(root / ".git/FETCH_HEAD", b"0123 branch main of https://example.com/shop\n")


def clone(root: Path) -> None:
    write(root / "cache/git/shop.py", b"")
    git(root / "cache/git", "init", "-q", ".")
    write(root / "cache/git" / PATH, CLEAN)
    git(root / "cache/git", "add", ".")
    git(root / "cache/git", "commit", "-qm", "Upstream")
    subprocess.run(["rm", "-rf", str(root / "cache/git/src")], check=True)


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (copy, "text"),
        (build, "text"),
        (notebook, "text"),
        (diff, "text"),
        (diff_of_the_bug, "text"),
        (wheel, "archive"),
        (sdist, "archive"),
        (pip_cache, "archive"),
        (nested, "archive"),
        (squeezed, "archive"),
        (lone_bytecode, "bytecode"),
        (cached_bytecode, "bytecode"),
        (second_commit, "git-commits"),
        (second_commit, "git-object"),
        (packed, "git-object"),
        (remote, "git-remote"),
        (tag, "git-refs"),
        (reflog, "git-reflog"),
        (fetched, "git-past"),
        (clone, "git-object"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_is_planted_is_found(place: Path, plant: Callable[[Path], None], kind: str) -> None:
    plant(place)

    assert kind in kinds(place)


def test_a_leak_says_whose_where_and_what(place: Path) -> None:
    wheel(place)

    assert leaks(place) == [
        Leak(
            "it",
            "archive",
            "dist/shop-1.0-py3-none-any.whl!shop/prices.py",
            leaks(place)[0].detail,
        )
    ]
    for line in leaks(place)[0].detail.split(" | "):
        assert line.encode() in CLEAN


def test_the_project_s_own_twin_of_a_function_is_told_as_such(place: Path) -> None:
    function = CLEAN[CLEAN.index(b"def clamp") : CLEAN.index(b"def discount")]
    write(place / "src/shop/slow.py", b"class Slow:\n" + function + b"\n    x = 1\n" * 20)
    write(place / "fix.diff", function)

    assert {leak.path: leak.kind for leak in leaks(place)} == {
        "src/shop/slow.py": "twin",
        "fix.diff": "text",
    }


def test_what_a_bug_of_two_files_shows_of_one_in_the_other_is_a_twin() -> None:
    function = CLEAN[CLEAN.index(b"def clamp") : CLEAN.index(b"def discount")]
    slow, rest = "src/shop/slow.py", b"\n".join(b"x_%d = %d" % (n, n) for n in range(40))
    clean = {PATH: CLEAN, slow: function + rest}
    found = {PATH: BROKEN, slow: function + rest.replace(b"= 7", b"= 8")}
    index = index_of([needles_of("it", clean, found)])

    def told(files: dict[str, bytes]) -> set[tuple[str, str]]:
        return {(leak.path, leak.kind) for leak in search(files.items(), index, tree="")}

    assert told(found) == {(slow, "twin")}
    assert told({"src/shop/copy.py": function + rest}) == {("src/shop/copy.py", "text")}


def test_a_binary_search_is_anybody_s() -> None:
    fix = b"lo, hi = 0, n\nwhile lo < hi:\n    mid = (lo + hi) // 2\n    if prev[mid] is no_pad:\n"
    loop = b"        hi = mid\n    else:\n        lo = mid + 1\n"
    index = index_of([needles_of("it", {PATH: fix + loop}, {PATH: b""})])

    assert found_in(index, b"    if key < a[mid]:\n" + loop + b"return lo\n") == {}
    assert found_in(index, fix + loop) != {}


def test_an_idiom_tells_where_a_line_beside_it_is_the_fix_s_too() -> None:
    idiom = b"    line = line.strip()\n    if not line or line.startswith('#'):\n        continue\n"
    clean = b"for line in body:\n" + idiom + b"    yield line.split('=')\n"
    index = index_of([needles_of("it", {PATH: clean}, {PATH: clean.replace(b"not ", b"")})])

    assert found_in(index, b"with open(cfg) as file:\n  for line in file:\n" + idiom) == {}
    assert found_in(index, b"for line in body:\n" + idiom) != {}
    assert found_in(index, idiom + b"    yield line.split('=')\n") != {}


def test_byte_code_beside_its_source_is_judged_by_that(place: Path) -> None:
    name = "venv/lib/vendor/shop/prices.py"
    write(place / name, BROKEN)
    write(
        place / "venv/lib/vendor/shop/__pycache__/prices.cpython-311.pyc",
        compiled(BROKEN, place.parent / "elsewhere"),
    )

    assert leaks(place) == []


def test_the_own_tree_of_an_environment_is_without_the_bug_and_only_its_git_counts(
    place: Path,
) -> None:
    write(place / "tree" / PATH, CLEAN)
    stream = [(f"tree/{path}", content) for path, content in folder_files(place / "tree")]

    assert list(search(stream, INDEX, tree="tree", known=True)) == []
    reflog(place)
    stream += [(f"tree/.git/{path}", content) for path, content in folder_files(place / ".git")]
    assert {leak.kind for leak in search(stream, INDEX, tree="tree", known=True)} >= {"git-reflog"}


def test_a_hidden_test_counts_as_part_of_the_fix(place: Path) -> None:
    test = b"def test_clamp():\n    result = clamp(5, 1, 3)\n    assert result == 3, result\n"
    needles = needles_of("it", {"tests/test_a.py": test}, {"tests/test_a.py": b""})
    write(place / "venv/tests/test_a.py", test)

    found = list(search(folder_files(place), index_of([needles]), tree=""))

    assert [leak.path for leak in found] == ["venv/tests/test_a.py"]


def test_a_broken_archive_and_a_bomb_do_no_harm(place: Path) -> None:
    write(place / "a.whl", zipped("shop/prices.py", CLEAN)[:60])
    write(place / "b.gz", gzip.compress(b"\0" * 50_000_000))
    write(place / "c.tar.gz", tarred("a", b"x" * 100)[:40])

    assert leaks(place) == []


def test_archives_are_opened_so_deep_and_no_deeper() -> None:
    content = CLEAN
    for _ in range(5):
        content = zipped("a.zip", content)

    assert max(name.count("!") for name, _ in members("a.zip", content)) == 3


LINES = st.lists(st.sampled_from(CLEAN.decode().splitlines()), max_size=12)


@given(LINES, LINES)
def test_a_whole_copy_is_found_whatever_stands_around_it(
    before: list[str], after: list[str]
) -> None:
    text = "\n".join([*before, CLEAN.decode(), *after]).encode()

    assert found_in(INDEX, text)


@given(st.sampled_from([b"\n", b"\r\n", b"\\n", b"\n\n"]), st.sampled_from([b"", b"    ", b"\t"]))
def test_a_copy_is_found_however_it_is_laid_out(end: bytes, indent: bytes) -> None:
    assert found_in(INDEX, end.join(indent + line for line in CLEAN.split(b"\n")))


def test_the_code_with_the_bug_is_no_leak() -> None:
    assert found_in(INDEX, BROKEN) == {}


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), max_size=9))
def test_pieces_are_read_as_one(data: bytes, sizes: list[int]) -> None:
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    stream = Chunks(pieces)

    read = b"".join([stream.read(size) for size in sizes] + [stream.read(len(data) + 1)])

    assert read == data


@pytest.mark.docker
def test_leaks_are_found_in_an_image(engine: docker.DockerClient, place: Path) -> None:
    for plant in (copy, wheel, remote):
        plant(place)
    (place / "Dockerfile").write_text(f"FROM {DEFAULT_TAG}\nCOPY . {TREE}\n", encoding="utf-8")
    image, _ = engine.images.build(path=str(place), rm=True)
    try:
        found = list(search(image_files(str(image.id), engine), INDEX, tree=TREE.lstrip("/")))
    finally:
        engine.images.remove(str(image.id), force=True)

    assert {leak.kind for leak in found} == {"text", "archive", "git-remote"}
    assert all(leak.path.startswith(TREE.lstrip("/")) for leak in found)
