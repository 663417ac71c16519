"""Write tasks to a file in a format of the field. One module a format, one registry."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from storage.errors import ConfigError
from storage.records import Task
from storage.store import Store
from storage.trees import Trees
from tasks.export import full, swe_bench, swe_smith
from tasks.export.rows import Row, Write, write_array, write_lines, write_parquet
from tasks.material import Material, gather

log = logging.getLogger(__name__)

FORMATS: dict[str, Callable[[Material], Row]] = {
    "swe-smith": swe_smith.row,
    "swe-bench": swe_bench.row,
    "jsonl": full.row,
    "parquet": full.row,
}


def export(form: str, store: Store, trees: Trees, tasks: Iterable[Task], output: Path) -> int:
    """Write tasks, ordered by id, and return how many; the file appears whole or not at all.

    SWE-smith and SWE-bench rows are JSON lines, or one array where the name ends in ``.json``.
    Raises ConfigError for an unknown format or a place that cannot be written, StoreError for
    a task that lacks what belongs to it.
    """
    if form not in FORMATS:
        raise ConfigError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    rows = make_rows(FORMATS[form], store, trees, tasks)
    if FORMATS[form] is full.row:
        rows = with_trees(rows, trees)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        count = _writer(form, output)(rows, part)
        part.replace(output)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def make_rows(
    make: Callable[[Material], Row], store: Store, trees: Trees, tasks: Iterable[Task]
) -> Iterator[Row]:
    """Yield the rows of tasks; those that no text format can hold are named and left out."""
    for task in sorted(tasks, key=lambda task: task.id):
        row = make(gather(store, trees, task))
        if _is_text(row):
            yield row
        else:
            log.warning("%s is left out: its files are not UTF-8, rows can hold only text", task.id)


def with_trees(rows: Iterable[Row], trees: Trees) -> Iterator[Row]:
    """Put each tree, as a git bundle, into the first row that needs it."""
    held: set[str] = set()
    for row in rows:
        if row["tree"] not in held:
            held.add(row["tree"])
            row["tree_bundle"] = base64.b64encode(trees.packed(row["tree"])).decode()
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
