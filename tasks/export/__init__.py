"""Write tasks to a file in a format of the field. One module a format, one registry."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from storage.errors import ConfigError
from storage.records import Task
from storage.store import Store
from storage.trees import Trees
from storage.whole_files import replace_whole
from tasks.export import full, swe_bench, swe_smith
from tasks.export.folders import write_harbor, write_hf
from tasks.export.rows import Row, Write, write_array, write_lines, write_parquet
from tasks.export.splits import Relative, Split, splits
from tasks.material import Material, gather

log = logging.getLogger(__name__)

Refine = Callable[[Material], Material]

FORMATS: dict[str, Callable[[Material], Row]] = {
    "swe-smith": swe_smith.row,
    "swe-bench": swe_bench.row,
    "jsonl": full.row,
    "parquet": full.row,
}


def export(
    form: str,
    store: Store,
    trees: Trees,
    tasks: Iterable[Task],
    output: Path,
    *,
    refine: Refine | None = None,
    split: bool = False,
) -> int:
    """Write tasks, ordered by id, and return how many; the file appears whole or not at all.

    ``refine`` is given all that belongs to a task, and returns it as it leaves. SWE-smith and
    SWE-bench rows are JSON lines, or one array where the name ends in ``.json``.
    Raises ConfigError for an unknown format or a place that cannot be written, StoreError for
    a task that lacks what belongs to it.
    """
    if form not in FORMATS:
        raise ConfigError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    rows = make_rows(FORMATS[form], store, trees, tasks, refine)
    if FORMATS[form] is full.row:
        rows = with_trees(split_rows(rows, trees, split), trees)
    elif split:
        raise ConfigError(f"rows of {form} have no place for a split; use jsonl, parquet or hf")
    try:
        with replace_whole(output) as part:
            return _writer(form, output)(rows, part)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from error


Folder = Callable[[Sequence[Material], Sequence[Row], Path, bytes, str], None]
FOLDERS: dict[str, Folder] = {"harbor": write_harbor, "hf": write_hf}


def export_folder(
    form: str,
    store: Store,
    trees: Trees,
    tasks: Iterable[Task],
    output: Path,
    *,
    runner: bytes,
    image: str = "",
    refine: Refine | None = None,
    split: bool = False,
) -> int:
    """Write tasks as a folder, and return how many; it appears whole or not at all.

    ``runner`` is the file that runs tests, ``image`` a name under which the image can be pulled.
    Raises ConfigError where the folder is there and not empty, or cannot be written.
    """
    if output.is_dir() and any(output.iterdir()):
        raise ConfigError(f"{output} is not empty; name a folder that does not exist yet")
    materials = [
        each for each in gather_all(store, trees, tasks, refine) if is_exportable(full.row(each))
    ]
    rows = list(with_trees(split_rows(map(full.row, materials), trees, split), trees))
    try:
        with replace_whole(output, folder=True) as part:
            FOLDERS[form](materials, rows, part, runner, image)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from error
    return len(rows)


def split_rows(rows: Iterable[Row], trees: Trees, split: bool) -> Iterator[Row]:
    """Say of each row which split it is in, where that is asked for."""
    if not split:
        yield from rows
        return
    listed = list(rows)
    places = split_of(listed, trees)
    for row in listed:
        yield {**row, "split": places[row["tree"]]}


def split_of(rows: Iterable[Row], trees: Trees) -> dict[str, Split]:
    """Return the split of each tree that rows are about."""
    names = {row["tree"]: row["repo"] for row in rows}
    return splits(
        Relative(tree=tree, name=name, files=trees.contents(tree)) for tree, name in names.items()
    )


def gather_all(
    store: Store, trees: Trees, tasks: Iterable[Task], refine: Refine | None
) -> Iterator[Material]:
    """Yield all that belongs to each task, as it leaves, ordered by id."""
    for task in sorted(tasks, key=lambda task: task.id):
        material = gather(store, trees, task)
        yield refine(material) if refine else material


def make_rows(
    make: Callable[[Material], Row],
    store: Store,
    trees: Trees,
    tasks: Iterable[Task],
    refine: Refine | None = None,
) -> Iterator[Row]:
    """Yield the rows of tasks; those that no text format can hold are named and left out."""
    yield from filter(is_exportable, map(make, gather_all(store, trees, tasks, refine)))


def is_exportable(row: Row) -> bool:
    """Say whether a row is text; name one that is not."""
    if _is_text(row):
        return True
    name = row["instance_id"]
    log.warning("%s is left out: its files are not UTF-8, rows can hold only text", name)
    return False


def with_trees(rows: Iterable[Row], trees: Trees) -> Iterator[Row]:
    """Put each tree, as a git bundle, into the first row that needs it."""
    held: set[str] = set()
    for row in rows:
        if row["tree"] not in held:
            held.add(row["tree"])
            row["tree_bundle"] = base64.b64encode(trees.pack_tree(row["tree"])).decode()
        yield row


def _is_text(row: Row) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _writer(form: str, output: Path) -> Write:
    if form == "parquet":
        return write_parquet
    return write_array if output.suffix == ".json" and form != "jsonl" else write_lines
