"""A project in other encodings: forged with all left out named, exported as text, and graded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.furniture.workplace import Workplace

pytestmark = [pytest.mark.network, pytest.mark.slow]
BUGS = 12


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("work"))
    module = made.project / "src" / "shop" / "__init__.py"
    lines = module.read_text().split("\n")
    # In the context of many a bug, and in none of its lines.
    lines[1:1] = ["# Für Größen und Maße"]
    text = "\n".join(
        f"{line}  # é" if line.startswith(("def ", "    def ")) else line for line in lines
    )
    module.write_bytes(f"# -*- coding: latin-1 -*-\n{text}".replace("\n", "\r\n").encode("latin-1"))
    (module.parent / "wide.py").write_bytes("x = 1\n".encode("utf-16"))
    (module.parent / "_vendor").mkdir()
    (module.parent / "_vendor" / "six.py").write_text("x = 1\n")
    (made.project / "tests" / "test_other.py").write_text("import nothing_here\n")
    return made


@pytest.fixture(scope="module")
def forged(workplace: Workplace) -> dict[str, object]:
    return workplace.forge("local", "--strategies", "procedural", "--max-bugs", str(BUGS))


def test_bugs_are_made_in_a_file_of_another_encoding(forged: dict[str, object]) -> None:
    assert sum(count for _, count in forged["reasons"]) == BUGS  # type: ignore[attr-defined]
    assert len(forged["tasks"]) >= BUGS // 3  # type: ignore[arg-type]


def test_what_was_left_out_is_in_the_summary(forged: dict[str, object]) -> None:
    left_out = {
        (each["kind"], each["reason"].partition(" (")[0]): each["names"]
        for each in forged["left_out"]  # type: ignore[attr-defined]
    }

    assert left_out["source file", "encoding"] == ["src/shop/wide.py"]
    assert left_out["source file", "vendored"] == ["src/shop/_vendor/six.py"]
    assert left_out["test file", "not-collected"] == ["tests/test_other.py"]


def test_the_known_fixes_are_exported_as_text_and_solve(
    workplace: Workplace, forged: dict[str, object], tmp_path: Path
) -> None:
    rows, predictions, report = (tmp_path / name for name in ("rows.jsonl", "p.jsonl", "r.json"))
    store = ("--store", "local.db")
    words = ("--format", "swe-bench", "--without-gate", "licence")
    workplace.run("export", *store, *words, "-o", str(rows))
    listed = [json.loads(line) for line in rows.read_bytes().decode().splitlines()]
    assert listed
    predictions.write_text(
        "".join(
            json.dumps({"instance_id": row["instance_id"], "model_patch": row["patch"]}) + "\n"
            for row in listed
        )
    )

    workplace.run("evaluate", *store, "--predictions", str(predictions), "-o", str(report))

    assert all(f"{row['instance_id']}" in report.read_text() for row in listed)
    [told] = json.loads(report.read_text())["models"].values()
    assert told["resolved"] == len(listed)
