"""What a row is, and how rows become a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Write = Callable[[Iterator[Row], Path], int]

ROWS_AT_ONCE = 1000


def write_lines(rows: Iterator[Row], place: Path) -> int:
    """Write one JSON object a line."""
    count = 0
    with place.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def write_array(rows: Iterator[Row], place: Path) -> int:
    """Write one JSON array."""
    listed = list(rows)
    place.write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return len(listed)


def write_parquet(rows: Iterator[Row], place: Path) -> int:
    """Write a parquet file, whose columns are those of the first row."""
    # Here alone: what they import takes a while, and most commands write no parquet.
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import parquet

    types = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        str: pa.string(),
        list: pa.list_(pa.string()),
    }
    count, writer = 0, None
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        schema = pa.schema([(name, types[type(value)]) for name, value in batch[0].items()])
        writer = writer or parquet.ParquetWriter(place, schema, compression="zstd")
        writer.write_table(pa.Table.from_pylist(batch, schema=writer.schema))
        count += len(batch)
    if writer is not None:
        writer.close()
    return count
