"""Takes a solver's work in, inside the container, by the rules that grade any patch.

    intake.zip FILES BUILT

Run in the work tree. FILES is an archive of the files that decide how tests run, as they were;
BUILT lists what the image holds beside the start state, and may be missing. What is put back is
printed, a line each. It ships with exported tasks, with ``syntax.intake`` and tomlkit beside it.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tarfile
import zipfile
from typing import NamedTuple

from syntax.intake.intake import IntakeReference, take_in

LEFT_OUT = (".git",)


class KeptFiles(NamedTuple):
    """KeptFiles with their modes, and which of them are links."""

    contents: dict[str, bytes]
    modes: dict[str, int]
    links: set[str]


def read_archive(place: str) -> KeptFiles:
    """Return the files of an archive."""
    contents: dict[str, bytes] = {}
    modes: dict[str, int] = {}
    links: set[str] = set()
    with tarfile.open(place) as tar:
        for entry in tar.getmembers():
            path = entry.name[2:] if entry.name.startswith("./") else entry.name
            if entry.issym():
                contents[path] = os.fsencode(entry.linkname)
                links.add(path)
            elif entry.isfile():
                file = tar.extractfile(entry)
                assert file is not None
                contents[path] = file.read()
                modes[path] = entry.mode
    return KeptFiles(contents, modes, links)


def list_files() -> set[str]:
    """Return the files and links of the work tree; folders that are links are links."""
    found = set()
    for folder, folders, names in os.walk("."):
        names += [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        found |= {os.path.relpath(os.path.join(folder, name), ".") for name in names}
    return found


def read_file(path: str) -> bytes | None:
    """Return a file's content, or a link's target; None where there is none."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            return os.fsencode(os.readlink(path))
        if not stat.S_ISREG(found.st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_file(path: str, content: bytes | None, mode: int, is_link: bool) -> None:
    """Write or remove a file; whatever stands in its way goes, and no link is followed."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        folder = "/".join(parts[:number])
        if os.path.islink(folder) or os.path.isfile(folder):
            os.unlink(folder)
        if content is not None:
            os.makedirs(folder, exist_ok=True)
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)):
        os.unlink(path)
    if content is None:
        return
    if is_link:
        os.symlink(os.fsdecode(content), path)
        return
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode & 0o777)


def remove_byte_code() -> None:
    """Remove compiled modules: Python would take a forged one for the source beside it."""
    for folder, folders, _ in os.walk("."):
        for name in [each for each in folders if each == "__pycache__"]:
            folders.remove(name)
            place = os.path.join(folder, name)
            if os.path.islink(place):
                os.unlink(place)
            else:
                shutil.rmtree(place)


def make_reference(
    told: dict[str, list[str]], held: KeptFiles, image: KeptFiles
) -> IntakeReference:
    """Return what the work is held against; what the image brought counts as there before."""
    return IntakeReference(
        read={**image.contents, **held.contents}.get,
        paths=frozenset([*told["paths"], *image.contents]),
        tests=tuple(told["tests"]),
        fixed=frozenset(told["fixed"]),
        installed=frozenset(told["installed"]),
        shared=frozenset(told["shared"]),
    )


def restore_work(reference: IntakeReference, held: KeptFiles, known: set[str]) -> tuple[str, ...]:
    """Put back what decides how tests run, and return what that was."""
    looked_at = {path for path in list_files() if path not in known} | held.contents.keys()
    changed = {path: read_file(path) for path in looked_at}
    submission = take_in(
        reference,
        {path: data for path, data in changed.items() if data != reference.read(path)},
    )
    for path, data in sorted(changed.items()):
        graded = submission.files.get(path, reference.read(path))
        is_link = path in held.links
        turned = path in held.contents and is_link != os.path.islink(path)
        if graded != data or turned:
            write_file(path, graded, held.modes.get(path, 0o644), is_link)
    return submission.taken_back


def main(files: str, built: str) -> int:
    with zipfile.ZipFile(sys.argv[0]) as archive:
        told = json.loads(archive.read("reference.json").decode("utf-8", "surrogatepass"))
    held, image, known = read_archive(files), KeptFiles({}, {}, set()), set(told["paths"])
    if os.path.exists(built):
        image = read_archive(built)
    remove_byte_code()
    reference = make_reference(told, held, image)
    whole = KeptFiles(
        {**image.contents, **held.contents},
        {**image.modes, **held.modes},
        (image.links - held.contents.keys()) | held.links,
    )
    for line in restore_work(reference, whole, known):
        print("put back: " + line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
