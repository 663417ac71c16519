"""The part of docs/formats.md that is written from the code: one task in each format, in full.

    python -m tests.tasks.formats_page

writes it anew; a test compares.
"""

from __future__ import annotations

import base64
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from forge.grade.rollouts import export_row, messages
from harness.sandboxes.agents import Work
from tasks.export import FORMATS, export, export_folder
from tasks.export.fields import FIELDS
from tasks.material import gather
from tests.tasks.made import Made, make

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN = "<!-- Written from the code by `python -m tests.tasks.formats_page`: change it there. -->\n"
CREATED = "2026-01-01T00:00:00+00:00"
LONG = {
    "tests/runner.zip": "the archive of harness/runner",
    "tests/grade.py": "tasks/export/grade.py",
    "tests/intake.zip": "tasks/export/restore.py with syntax/intake, tomlkit, and what the "
    "start state is",
}
KINDS = {".sh": "sh", ".toml": "toml", ".json": "json", ".md": "markdown"}


def written() -> str:
    """Return the part that is written from the code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make(folder)
        task = replace(made.task, created=CREATED)
        made.store.add_task(task)
        made = replace(made, task=task)
        parts = [fields(), rows(made, folder), *folders(made, folder), trajectories(made)]
        made.store.close()
    return BEGIN + "\n" + "\n".join(parts)


def fields() -> str:
    """Return the table of the full record."""
    lines = [f"| `{name}` | {text} |" for name, text in FIELDS.items()]
    return "\n".join(["## The full record", "", "| field | what it is |", "|---|---|", *lines, ""])


def rows(made: Made, folder: Path) -> str:
    """Return one task in every format of rows."""
    parts = ["## One task in each format", ""]
    for form in FORMATS:
        if form == "parquet":
            continue
        export(form, made.store, made.trees, [made.task], folder / form)
        row = json.loads((folder / form).read_text())
        if row.get("tree_bundle"):
            size = len(base64.b64decode(row["tree_bundle"]))
            row["tree_bundle"] = "… a git bundle" if size else ""
        told = json.dumps(row, indent=1, ensure_ascii=False)
        parts += [f"### {form}", "", fenced(told, "json"), ""]
    parts += ["### parquet", "", "The same fields as jsonl, as columns.", ""]
    return "\n".join(parts)


def folders(made: Made, folder: Path) -> list[str]:
    """Return one task in every format of folders."""
    parts = []
    for form in ("harbor", "hf"):
        place = folder / f"as-{form}"
        tasks = [made.task]
        export_folder(form, made.store, made.trees, tasks, place, runner=b"", split=form == "hf")
        parts += [f"### {form}", ""]
        for path in sorted(place.rglob("*")):
            if path.is_file():
                parts += shown(path, path.relative_to(place).as_posix())
    return parts


def trajectories(made: Made) -> str:
    """Return what is exported of one attempt of an agent that kept no messages of its own."""
    work = Work(patch=gather(made.store, made.trees, made.task).fix, exit=0, output="done\n")
    kept = {
        "messages": messages(work, made.task.statement),
        "instance_id": made.task.id,
        "resolved": True,
        "model": "my-agent",
        "traj_id": f"{made.task.id}.5d1c8e07",
        "patch": work.patch,
    }
    told = json.dumps(export_row({**kept, "exit": 0, "seconds": 4.0}), indent=1, ensure_ascii=False)
    return "\n".join(["### trajectories", "", fenced(told, "json"), ""])


def shown(path: Path, name: str) -> list[str]:
    """Return a file with its content, where that is text and not said elsewhere."""
    same = next((source for end, source in LONG.items() if name.endswith(end)), "")
    if same:
        return [f"`{name}`: {same} as it is.", ""]
    if path.name in ("tasks.jsonl", "SHA256SUMS", "schema.json"):
        what = {
            "tasks.jsonl": "the full records, as above.",
            "SHA256SUMS": "the sha256 of every file, as `sha256sum -c` reads them.",
            "schema.json": "name, type and meaning of every field.",
        }
        return [f"`{name}`: {what[path.name]}", ""]
    if path.suffix in (".gz", ".parquet"):
        return [f"`{name}`: an archive." if path.suffix == ".gz" else f"`{name}`: the rows.", ""]
    return [f"`{name}`", "", fenced(path.read_text(), KINDS.get(path.suffix, "")), ""]


def fenced(text: str, kind: str) -> str:
    """Put a text between fences that it does not close."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}"


def whole() -> str:
    """Return the page as it would be written now."""
    return PAGE.read_text().partition(BEGIN)[0] + written()


if __name__ == "__main__":
    PAGE.write_text(whole())
