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
from tasks.withheld import WORDS, allowed


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
    private: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Write those of this private repository alone."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write the tasks to a file.

    Left out are those of repositories that opted out of the service, and of private ones.

    swe-smith rows hold the patch that makes the bug, swe-bench rows the patch that fixes it;
    jsonl and parquet hold our full record.

    Example: bugfoundry export --format swe-bench -o tasks.jsonl
    """
    with open_store(store) as opened:
        if not opened.tasks():
            raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
        chosen = allowed(opened, private=private)
        for reason, count in sorted(chosen.withheld.items()):
            text = f"{count} tasks left out: {WORDS[reason]}"
            err.print(text, highlight=False, markup=False, soft_wrap=True)
        if not chosen.tasks:
            raise StoreError(f"no task is left to export, so {output} was not written")
        count = export(form.value, opened, Trees(cache_dir()), chosen.tasks, output)
    err.print(f"{count} tasks written to {output} ({form.value})", highlight=False, soft_wrap=True)
