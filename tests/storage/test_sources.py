from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from storage.archives import LARGEST_UNPACKED
from storage.clones import GITHUB_URL, github_variables
from storage.errors import SourceError
from storage.git import GitError, git, line
from storage.records import Repository
from storage.source_names import read_subdirectory
from storage.sources import fetch, owner_and_name, parse
from storage.trees import Trees
from tests.storage.checkouts import commit, make_checkout

FILES = {"pkg/__init__.py": b"x = 1\n", "tests/test_x.py": b"import pkg\n"}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def get(text: str, cache: Path) -> Repository:
    return fetch(parse(text), cache=cache, trees=Trees(cache))


def sdist(files: dict[str, bytes], top: str = "demo-1.2") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def publish(folder: Path, archives: dict[str, bytes], *, sha256: str = "") -> str:
    """Make a package index of files, and return its URL."""
    page = folder / "simple" / "demo"
    page.mkdir(parents=True)
    links = []
    for name, content in archives.items():
        (page / name).write_bytes(content)
        links.append(
            f'<a href="{name}#sha256={sha256 or hashlib.sha256(content).hexdigest()}">x</a>'
        )
    (page / "index.html").write_text("<!DOCTYPE html>\n" + "\n".join(links))
    return (folder / "simple").as_uri()


@pytest.mark.parametrize(
    ("text", "kind", "place", "revision"),
    [
        ("pypi:itsdangerous", "pypi", "itsdangerous", ""),
        ("pypi:toolz==1.0.0", "pypi", "toolz", "1.0.0"),
        ("pallets/click", "github", "pallets/click", ""),
        ("pallets/click.git@8.1.x", "github", "pallets/click", "8.1.x"),
        ("https://example.org/a/b.git", "git", "https://example.org/a/b.git", ""),
        ("https://me@example.org/b@v1", "git", "https://me@example.org/b", "v1"),
        ("https://example.org/b.git@fix/it", "git", "https://example.org/b.git", "fix/it"),
        ("git@example.org:a/b.git", "git", "git@example.org:a/b.git", ""),
        ("git@example.org:a/b.git@v1", "git", "git@example.org:a/b.git", "v1"),
        ("ssh://git@example.org/a/b", "git", "ssh://git@example.org/a/b", ""),
        ("file:///srv/b.git", "git", "file:///srv/b.git", ""),
    ],
)
def test_sources_are_read(text: str, kind: str, place: str, revision: str) -> None:
    source = parse(text)

    assert (source.kind, source.place, source.revision) == (kind, place, revision)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no source"),
        ("--upload-pack=x", "is no source"),
        ("pypi:", "write pypi:NAME"),
        ("pypi:../x", "write pypi:NAME"),
        ("clikc", "write pypi:clikc"),
        ("./nowhere", "there is no folder './nowhere'"),
        ("/nowhere/at/all", "there is no folder"),
        ("ext::sh -c true", "refused"),
        ("ftp://example.org/x", "not supported"),
        ("https://me:secret@example.org/x", "leave the password out"),
        ("https://example.org", "names no repository"),
        ("pallets/click@--help", "no commit, branch or tag"),
        ("pallets/click@a..b", "no commit, branch or tag"),
    ],
)
def test_what_is_no_source_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(SourceError, match=says) as error:
        parse(text)

    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_path_wins_over_owner_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pallets" / "click").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    assert parse("pallets/click").kind == "path"
    assert parse("pallets/click@v1").revision == "v1"
    assert parse(".").kind == "path"


def test_a_file_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"")

    with pytest.raises(SourceError, match="is a file"):
        parse(str(tmp_path / "x.tar.gz"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/pallets/click.git", ("pallets", "click")),
        ("git@github.com:pallets/click.git", ("pallets", "click")),
        ("ssh://git@host:22/group/sub/name/", ("sub", "name")),
        ("https://host/name", ("local", "name")),
        ("file:///srv/git/name.git", ("local", "name")),
        ("/srv/git/name", ("local", "name")),
        ("../odd name", ("local", "odd-name")),
    ],
)
def test_owner_and_name_come_from_the_url(url: str, expected: tuple[str, str]) -> None:
    assert owner_and_name(url) == expected


def test_a_plain_folder_is_its_orphan_commit(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "__init__.py").write_bytes(b"x = 1\n")

    found = get(str(folder), cache)

    assert (found.owner, found.name, found.date, found.version) == ("local", "demo", "", "")
    assert found.commit == Trees(cache).orphan_commit(found.tree, "Start")
    with pytest.raises(SourceError, match="no git checkout"):
        get(f"{folder}@v1", cache)


@pytest.mark.parametrize(
    "packaging",
    [
        {"pyproject.toml": b'[tool.uv.sources]\nshared = { path = "../shared" }\n'},
        {"requirements-dev.txt": b"-e ../shared\n"},
        {"setup.py": b"setup(install_requires=['shared @ file:../shared'])\n"},
    ],
)
def test_a_folder_that_needs_its_siblings_is_the_whole_checkout(
    packaging: dict[str, bytes], cache: Path, tmp_path: Path
) -> None:
    files = {f"one/{path}": data for path, data in packaging.items()}
    top = make_checkout(tmp_path / "mono", {**files, "shared/setup.py": b"", "two/setup.py": b""})

    found, alone = get(str(top / "one"), cache), get(str(top / "two"), cache)

    assert set(Trees(cache).paths(found.tree)) == {*files, "shared/setup.py", "two/setup.py"}
    assert read_subdirectory(found.source) == "one"
    assert set(Trees(cache).paths(alone.tree)) == {"setup.py"}
    assert read_subdirectory(alone.source) == ""


@pytest.mark.parametrize(
    ("text", "place", "revision", "folder"),
    [
        ("acme/mono#subdirectory=a/b", "acme/mono", "", "a/b"),
        ("acme/mono@v1#subdirectory=a", "acme/mono", "v1", "a"),
        ("https://x.org/a.git@v1#subdirectory=/a/", "https://x.org/a.git", "v1", "a"),
    ],
)
def test_a_source_names_a_folder(text: str, place: str, revision: str, folder: str) -> None:
    found = parse(text)

    assert (found.text, found.place, found.revision) == (text, place, revision)
    assert found.subdirectory == read_subdirectory(text) == folder


@pytest.mark.parametrize(
    "text", ["a/b#subdirectory=../x", "a/b#subdirectory=", "a/b#egg=x", "a/b#subdirectory=a/./b"]
)
def test_a_folder_that_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse(text)


def test_an_empty_folder_is_refused(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(SourceError, match="holds no files"):
        get(str(tmp_path / "empty"), cache)


def test_a_clean_checkout_is_its_commit(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_checkout(tmp_path / "demo", FILES)
    git("remote", "add", "origin", "git@github.com:someone/project.git", cwd=folder)
    git("tag", "v1.4.0", cwd=folder)
    monkeypatch.chdir(folder)
    head = git("rev-parse", "HEAD", cwd=folder).decode().strip()

    found = get(".", cache)

    assert (found.owner, found.name, found.commit) == ("someone", "project", head)
    assert found.version == "1.4.0"
    assert found.date.startswith("20")


def test_a_dirty_checkout_is_its_orphan_commit(cache: Path, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "demo", FILES)
    git("tag", "v1.4.0", cwd=folder)
    (folder / "pkg" / "__init__.py").write_bytes(b"x = 2\n")
    dirty = get(str(folder), cache)
    upstream = commit(folder)
    clean = get(str(folder), cache)

    assert dirty.tree == clean.tree
    assert dirty.commit == Trees(cache).orphan_commit(dirty.tree, "Start")
    assert clean.commit == upstream
    assert clean.version == "1.4.1.dev1"


def test_a_checkout_at_a_revision_is_that_commit(cache: Path, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "demo", FILES)
    first = get(str(folder), cache)
    git("tag", "old", cwd=folder)
    (folder / "pkg" / "__init__.py").write_bytes(b"x = 2\n")
    commit(folder)

    assert get(f"{folder}@old", cache).commit == first.commit
    assert get(f"{folder}@{first.commit[:10]}", cache).tree == first.tree
    with pytest.raises(SourceError, match="no commit, branch or tag 'older'"):
        get(f"{folder}@older", cache)


def test_the_first_commit_is_known_where_the_whole_history_is(cache: Path, tmp_path: Path) -> None:
    project = make_checkout(tmp_path / "project", FILES)
    first = line("rev-parse", "HEAD", cwd=project)
    (project / "more.py").write_text("y = 2\n")
    commit(project)
    cut = tmp_path / "cut"
    git("clone", "--quiet", "--depth=1", project.as_uri(), cut)

    assert get(str(project), cache).root == first
    assert get(f"{project}@HEAD", cache).root == first
    assert get(str(cut), cache).root == ""
    assert get(project.as_uri(), cache).root == ""


def test_a_submodule_that_is_not_there_leaves_a_checkout_its_commit(
    cache: Path, tmp_path: Path
) -> None:
    inner = make_checkout(tmp_path / "inner", FILES)
    outer = make_checkout(tmp_path / "outer", FILES)
    git("submodule", "--quiet", "add", inner, "sub", cwd=outer)
    head = commit(outer)
    git("clone", "--quiet", outer, tmp_path / "demo")

    found = get(str(tmp_path / "demo"), cache)

    assert (found.owner, found.name, found.commit) == ("local", "demo", head)


def test_bare_repositories_and_git_folders_are_their_last_commit(
    cache: Path, tmp_path: Path
) -> None:
    folder = make_checkout(tmp_path / "demo", FILES)
    git("clone", "--quiet", "--bare", folder, tmp_path / "bare.git")
    (folder / "pkg" / "__init__.py").write_bytes(b"dirty")

    bare, inside = get(str(tmp_path / "bare.git"), cache), get(str(folder / ".git"), cache)

    assert bare.commit == inside.commit
    assert inside.name == "demo"


def test_a_url_is_fetched_and_fetched_again(cache: Path, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "demo", FILES)
    git("tag", "v2.0", cwd=folder)
    url = folder.as_uri()
    first = get(url, cache)
    (folder / "pkg" / "__init__.py").write_bytes(b"x = 2\n")
    newer = commit(folder)

    assert first.version == "2.1.dev1"
    assert get(url, cache).commit == newer
    assert get(f"{url}@v2.0", cache).commit == first.commit
    assert get(f"{url}@v2.0", cache).version == "2.0"
    assert get(f"{url}@{first.commit[:9]}", cache).commit == first.commit
    assert get(f"{url}@main", cache).commit == newer


def test_an_unknown_revision_or_repository_is_one_line(cache: Path, tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "demo", FILES)

    for text, says in [
        (f"{folder.as_uri()}@nothing", "'nothing'"),
        ((tmp_path / "nowhere").as_uri(), "check the spelling"),
        ("http://127.0.0.1:9/x.git", "cannot be reached"),
    ]:
        with pytest.raises(SourceError, match=says) as error:
            get(text, cache)
        assert "\n" not in str(error.value)


def test_a_token_reaches_git_for_github_alone() -> None:
    variables = github_variables("sesame")

    header = git("config", "--get-urlmatch", "http.extraHeader", GITHUB_URL, env=variables)
    assert header.startswith(b"Authorization: Basic ")
    with pytest.raises(GitError):
        git("config", "--get-urlmatch", "http.extraHeader", "https://example.org", env=variables)
    assert github_variables("") == {}


def test_a_token_is_in_no_argument_and_no_error(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    source = parse("someone/project")

    with pytest.raises(SourceError) as error:
        fetch(source, cache=cache, trees=Trees(cache), token="sesame")

    assert "cannot be reached" in str(error.value)
    assert "sesame" not in str(error.value)
    kept = [path.read_bytes() for path in cache.rglob("*") if path.is_file()]
    assert not any(b"sesame" in content or b"eC1hY2Nlc3M" in content for content in kept)


def test_a_package_is_its_newest_final_source_distribution(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = {
        "demo-1.2.tar.gz": sdist({**FILES, "demo.egg-info/PKG-INFO": b""}),
        "demo-1.10.tar.gz": sdist(FILES),
        "demo-2.0rc1.tar.gz": sdist(FILES),
        "demo-3.0-py3-none-any.whl": b"",
    }
    monkeypatch.setenv("UV_INDEX_URL", publish(tmp_path, archives))

    newest, older = get("pypi:Demo", cache), get("pypi:demo==1.2", cache)

    assert (newest.owner, newest.name, newest.version) == ("pypi", "demo", "1.10")
    assert older.version == "1.2"
    assert older.tree == newest.tree
    assert set(Trees(cache).paths(older.tree)) == set(FILES)


def test_a_package_that_is_not_there_is_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = {"demo-1.0-py3-none-any.whl": b"", "demo-0.9.tar.gz": sdist(FILES)}
    monkeypatch.setenv("PIP_INDEX_URL", publish(tmp_path, archives))

    for text, says in [
        ("pypi:dmeo", "check the spelling"),
        ("pypi:demo==1.0", "demo 1.0 has no source distribution"),
        ("pypi:demo==not", "'not' is no version"),
    ]:
        with pytest.raises(SourceError, match=says) as error:
            get(text, cache)
        assert "\n" not in str(error.value)


def test_an_index_that_does_not_answer_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "mine=http://me:secret@127.0.0.1:9/simple")

    with pytest.raises(SourceError, match=r"127\.0\.0\.1 cannot be reached") as error:
        get("pypi:demo", cache)

    assert "secret" not in str(error.value)


def test_a_file_that_is_not_what_the_index_promised_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = publish(tmp_path, {"demo-1.0.tar.gz": sdist(FILES)}, sha256="0" * 64)
    monkeypatch.setenv("UV_INDEX_URL", url)

    with pytest.raises(SourceError, match="sha256 differs"):
        get("pypi:demo", cache)


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        opened.writestr(name, "x")
    return stream.getvalue()


def linked(name: str, to: str, *, kind: bytes = tarfile.SYMTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = kind, to
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo(f"{name}/evil"))
    return stream.getvalue()


@pytest.fixture(params=["newer", "3.11.2"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pythons with a filter for what archives hold, and one from before that."""
    if request.param == "3.11.2":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    return str(request.param)


@pytest.mark.parametrize(
    ("filename", "archive"),
    [
        ("demo-1.0.tar.gz", sdist({"../../evil": b""})),
        ("demo-1.0.tar.gz", linked("demo/out", "../../..")),
        ("demo-1.0.tar.gz", linked("demo/out", "/etc")),
        ("demo-1.0.tar.gz", linked("demo/out", "../../evil", kind=tarfile.LNKTYPE)),
        ("demo-1.0.tar.gz", linked("demo/device", "", kind=tarfile.CHRTYPE)),
        ("demo-1.0.tar.gz", b"no archive"),
        ("demo-1.0.zip", zipped("demo/../../evil")),
    ],
)
@pytest.mark.usefixtures("python")
def test_an_archive_cannot_write_elsewhere(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filename: str, archive: bytes
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", publish(tmp_path, {filename: archive}))

    with pytest.raises(SourceError, match="cannot be unpacked"):
        get("pypi:demo", cache)


def declared(size: int) -> bytes:
    """An archive that says how large its file is, and ends there."""
    stream = io.BytesIO()
    with gzip.open(stream, "wb") as packed:
        member = tarfile.TarInfo("demo/bomb.py")
        member.size = size
        packed.write(member.tobuf())
    return stream.getvalue()


def zipped_bomb(size: int) -> bytes:
    """An archive whose directory says how large its file is."""
    return zipped("demo/bomb.py").replace(
        struct.pack("<II", 1, 1), struct.pack("<II", 1, size)
    )  # fmt: skip


def many(count: int) -> bytes:
    return sdist({f"demo/{number}.py": b"" for number in range(count)})


@pytest.mark.parametrize(
    ("filename", "archive"),
    [
        ("demo-1.0.tar.gz", declared(LARGEST_UNPACKED + 1)),
        ("demo-1.0.tar.gz", many(30)),
        ("demo-1.0.zip", zipped_bomb(LARGEST_UNPACKED + 1)),
    ],
    ids=["large", "many", "zip"],
)
@pytest.mark.usefixtures("python")
def test_an_archive_that_would_fill_the_disk_is_not_unpacked(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filename: str, archive: bytes
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", publish(tmp_path, {filename: archive}))
    monkeypatch.setattr("storage.archives.MOST_MEMBERS", 20)

    with pytest.raises(SourceError, match="holds too much"):
        get("pypi:demo", cache)
    assert not list(cache.rglob("bomb.py"))


@pytest.mark.usefixtures("python")
def test_of_a_name_that_an_archive_holds_twice_nothing_lands_elsewhere(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim.py"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        link = tarfile.TarInfo("demo/a.py")
        link.type, link.linkname = tarfile.SYMTYPE, str(victim)
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("demo/a.py"))
    archive = stream.getvalue()
    monkeypatch.setenv("UV_INDEX_URL", publish(tmp_path, {"demo-1.0.tar.gz": archive}))

    with pytest.raises(SourceError, match="cannot be unpacked"):
        get("pypi:demo", cache)
    assert not victim.exists()


@pytest.mark.usefixtures("python")
def test_an_archive_of_an_older_python_is_unpacked_too(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", publish(tmp_path, {"demo-1.0.tar.gz": sdist(FILES)}))
    assert get("pypi:demo", cache)


@pytest.mark.network
def test_a_real_package_is_fetched(cache: Path) -> None:
    found = get("pypi:itsdangerous==2.2.0", cache)

    assert found.key.startswith("pypi/itsdangerous@")
    assert "src/itsdangerous/signer.py" in Trees(cache).paths(found.tree)
    assert found.date.startswith("2024-04-16")
