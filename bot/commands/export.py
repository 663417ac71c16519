"""``bugfoundry export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.options import StoreOption, err, open_store
from storage.errors import StoreError
from storage.paths import cache_dir
from storage.trees import Trees
from tasks.export import export


class Format(StrEnum):
    """The formats of the field, and our own in two dresses."""

    swe_smith = "swe-smith"
    swe_bench = "swe-bench"
    jsonl = "jsonl"
    parquet = "parquet"


def export_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    form: Annotated[Format, typer.Option("--format", help="Whose rows to write.")] = (
        Format.swe_smith
    ),
    store: StoreOption = None,
) -> None:
    """Write the tasks to a file.

    swe-smith rows hold the patch that makes the bug, swe-bench rows the patch that fixes it;
    jsonl and parquet hold our full record.

    Example: bugfoundry export --format swe-bench -o tasks.jsonl
    """
    with open_store(store) as opened:
        tasks = list(opened.tasks())
        if not tasks:
            raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
        count = export(form.value, opened, Trees(cache_dir()), tasks, output)
    err.print(f"{count} tasks written to {output} ({form.value})", highlight=False, soft_wrap=True)
