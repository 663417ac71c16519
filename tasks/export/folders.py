"""Exports that are folders: Harbor's tasks, and a data set with its card.

Each holds the full records, so that ``bugfoundry verify FOLDER`` can run its tasks from nothing,
and says so in its README.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from tasks.export import harbor
from tasks.export.fields import FIELDS
from tasks.export.rows import Row, write_lines, write_parquet
from tasks.export.splits import SPLITS
from tasks.material import Material

SUMS = "SHA256SUMS"
VERIFY = """Run the tasks again from nothing, both sides, in fresh sandboxes, five rounds: as they
were judged, in random order with another hash seed, under load, with another clock, with all of it.

```
bugfoundry verify . --rounds 5
```

The folder is enough for that: it holds the code, the versions and the limits. `sha256sum -c
SHA256SUMS` checks that it is whole.
"""
HARBOR_README = """# {count} bug-fixing tasks, as folders for Harbor

```
harbor run --path . --agent oracle     # reward 1 on every task
harbor run --path . --agent nop        # reward 0 on every task
```

Each task's image starts from the repository's image, named by digest; `recipe.Dockerfile` beside it
makes it from the base image alone. `task.toml` says where the bug comes from.

## Check them

{verify}"""
CARD = """---
{front}
---

# {count} bug-fixing tasks

Each is a bug in a real repository that some of its own tests catch (`FAIL_TO_PASS`) while others
still pass (`PASS_TO_PASS`). Each was executed, not assumed. `fix_patch` takes the bug out of the
start state, `bug_patch` puts it into the unbroken code.

| repository | tasks | license |
|---|---|---|
{repositories}

## Fields

| field | type | what it is |
|---|---|---|
{fields}

## Check them

{verify}"""
KINDS = {str: "string", bool: "bool", int: "int64", float: "float64", list: "list<string>"}
SIZES = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))


def write_harbor(
    materials: Sequence[Material], rows: Sequence[Row], folder: Path, runner: bytes, image: str
) -> None:
    """Write task folders, the full records and the README."""
    for material, row in zip(materials, rows, strict=True):
        for path, data in harbor.files(material, row, runner, image).items():
            place = folder / material.task.id / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            place.chmod(0o755 if path.endswith(".sh") else 0o644)
    write_lines(iter(rows), folder / "tasks.jsonl")
    readme = HARBOR_README.format(count=len(rows), verify=VERIFY)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    write_sums(folder)


def write_hf(
    materials: Sequence[Material], rows: Sequence[Row], folder: Path, runner: bytes, image: str
) -> None:
    """Write parquet files by split, the schema, the card and the checksums."""
    data = folder / "data"
    data.mkdir()
    for split, some in by_split(rows).items():
        write_parquet(iter(some), data / f"{split}.parquet")
    (folder / "schema.json").write_text(json.dumps(schema(rows[0]), indent=1) + "\n")
    (folder / "README.md").write_text(card(rows), encoding="utf-8")
    write_sums(folder)


def by_split(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each split that has some; all are for training where none is said."""
    found: dict[str, list[Row]] = {}
    for split in SPLITS:
        some = [row for row in rows if row.get("split", "train") == split]
        if some:
            found[split] = some
    return found


def schema(row: Row) -> list[dict[str, str]]:
    """Return name, type and meaning of each field."""
    return [
        {"name": name, "type": KINDS[type(value)], "description": FIELDS[name]}
        for name, value in row.items()
    ]


def card(rows: Sequence[Row]) -> str:
    """Return the card of a data set: https://huggingface.co/docs/hub/datasets-cards."""
    licences: dict[str, tuple[int, str]] = {}
    for row in rows:
        count, _ = licences.get(row["repo"], (0, ""))
        licences[row["repo"]] = (count + 1, row["license"] or "not known")
    lines = [f"| {name} | {count} | {text} |" for name, (count, text) in sorted(licences.items())]
    fields = [f"| `{e['name']}` | {e['type']} | {e['description']} |" for e in schema(rows[0])]
    return CARD.format(
        front=front(rows),
        count=len(rows),
        repositories="\n".join(lines),
        fields="\n".join(fields),
        verify=VERIFY,
    )


def front(rows: Sequence[Row]) -> str:
    """Return the card's machine-readable part, as YAML."""
    size = next((name for most, name in SIZES if len(rows) < most), "n>100K")
    lines = ["license: other", "license_name: see-each-repository", "task_categories:"]
    lines += ["- text-generation", "language:", "- en", "tags:", "- code", "- bug-fixing"]
    lines += ["- software-engineering", "size_categories:", f"- {size}", "configs:"]
    lines += ["- config_name: default", "  data_files:"]
    for split in by_split(rows):
        lines += [f"  - split: {split}", f"    path: data/{split}.parquet"]
    return "\n".join(lines)


def write_sums(folder: Path) -> None:
    """Write the sha256 of every file, as ``sha256sum -c`` reads them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}"
        for path in paths
    ]
    (folder / SUMS).write_text("\n".join(lines) + "\n")
