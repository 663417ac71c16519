"""``bugfoundry evaluate``: grade the patches of solvers, and report on them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.options import (
    BaseImagePart,
    JsonOption,
    StoreOption,
    err,
    open_store,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from storage.errors import StoreError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.grade.evaluation import Evaluation, EvaluationCase
    from forge.grade.lookup import StoredTask
    from forge.grade.predictions import Graded, Prediction
    from forge.run.ledger import Ledger
    from harness.runs.selection import Coverage
    from storage.store import Store

WORKERS = os.cpu_count() or 1
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Sandboxes side by side. [default: one a processor]"),
]
TasksOption = Annotated[
    Path | None,
    typer.Option(
        "--tasks",
        help="An export that holds the tasks (jsonl, parquet, hf or harbor), instead of the store.",
    ),
]


@takes_records
def evaluate_command(
    predictions: Annotated[
        Path,
        typer.Option(
            help="Patches as SWE-bench has them: instance_id, model_patch, model_name_or_path; "
            "JSON lines, or an object by id."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The report; results lie beside it.")
    ] = Path("report.json"),
    tasks: TasksOption = None,
    workers: WorkersOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Run every test of a task, in a fresh process.")
    ] = False,
    *,
    environment: BaseImagePart,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Grade patches on tasks, in parallel, and write a report.

    Test files and pytest's configuration are those of the start state, whatever a patch says.
    A run that was stopped goes on where it was: each grade is kept beside the report.

    Example: bugfoundry evaluate --predictions preds.jsonl -o report.json
    """
    from forge.compose import PARTS
    from forge.grade.evaluation import Evaluation, cases
    from forge.grade.predictions import read_predictions, report
    from forge.run.ledger import Ledger, write_whole

    listed = read_predictions(predictions)
    found, covered = known_tasks(listed, tasks, store)
    evaluation = Evaluation(
        make_backend=PARTS.make_backend,
        cache=cache_dir(),
        workers=workers or WORKERS,
        full=full,
        base_image=environment.base_image,
        coverage=covered.get,
    )
    todo, done = cases(listed, found, evaluation.mode)
    ledger = Ledger(output.with_name(f"{output.name}.lines"))
    kept, todo = split_graded(todo, ledger)
    if kept and not as_json:
        err.print(f"{format_count(len(kept), 'grade')} known from before", highlight=False)
    done += [*kept, *run_interruptible(lambda: gather(evaluation, todo, ledger, quiet=as_json))]
    told = report(done)
    write_whole(output, json.dumps(told, indent=1) + "\n")
    if as_json:
        print_json(told)
    else:
        summarise(told, output)


def known_tasks(
    listed: Sequence[Prediction], tasks: Path | None, store: Path | None
) -> tuple[dict[str, StoredTask], dict[str, Coverage]]:
    """Return the tasks that predictions name, and what is known of their tests."""
    from forge.grade.carried_tasks import load_export
    from forge.grade.lookup import find_task
    from harness.runs.coverage import decode
    from storage.trees import Trees

    if tasks is not None:
        return load_export(tasks, Trees(cache_dir())), {}
    with open_store(store) as opened:
        found = {}
        for name in sorted({each.instance_id for each in listed}):
            if has_task(opened, name):
                found[name] = find_task(opened, name)
        covered = {}
        for environment in {each.environment.id for each in found.values()}:
            data = opened.coverage(environment)
            coverage = None if data is None else decode(data)
            if coverage is not None:
                covered[environment] = coverage
    return found, covered


def has_task(store: Store, name: str) -> bool:
    """Say whether the store has a task of just this id."""
    try:
        return store.task(name).id == name
    except StoreError:
        return False


def split_graded(
    todo: Sequence[EvaluationCase], ledger: Ledger
) -> tuple[list[Graded], list[EvaluationCase]]:
    """Return what was graded before, and what is left. What broke then is tried again."""
    import msgspec

    from forge.grade.predictions import Graded

    kept, left = [], []
    for case in todo:
        found = ledger.get(case.key)
        if found is None or found["error"] in ("sandbox-broken", "environment-failed"):
            left.append(case)
        else:
            kept.append(msgspec.convert(found, Graded))
    return kept, left


async def gather(
    evaluation: Evaluation, todo: Sequence[EvaluationCase], ledger: Ledger, *, quiet: bool
) -> list[Graded]:
    """Grade, keep each grade at once, and say so."""
    from forge.grade.evaluation import evaluate

    found = []
    stage = f"grading {format_count(len(todo), 'patch', 'patches')}"
    with show_progress(stage, is_live=False) as reporter:
        async for each in evaluate(evaluation, todo):
            ledger.add(each.key, asdict(each))
            found.append(each)
            if not quiet:
                out.print(
                    f"{len(found)}/{len(todo)} {each.instance_id}: {describe_graded(each)}",
                    highlight=False,
                    soft_wrap=True,
                )
            reporter.count(len(found), len(todo), "grading")
    return found


def describe_graded(each: Graded) -> str:
    """What came of a prediction, in a few words."""
    if each.error:
        return f"not graded ({each.error})"
    green, red = each.fail_to_pass
    lost = len(each.pass_to_pass[1])
    word = "resolved" if each.resolved else "not resolved"
    broken = f", {lost} broken" if lost else ""
    return f"{word} ({len(green)} of {len(green) + len(red)} fixed{broken}) {each.seconds:.1f} s"


def summarise(graded_report: Mapping[str, object], output: Path) -> None:
    """Say how it went, for each model."""
    models = graded_report["models"]
    assert isinstance(models, Mapping)
    for name, totals in models.items():
        out.print(
            f"{name or 'no model named'}: {totals['resolved']} of {totals['total']} resolved"
            + (f", {totals['errors']} could not be graded" if totals["errors"] else ""),
            highlight=False,
            soft_wrap=True,
        )
    err.print(f"report in {output}", highlight=False, soft_wrap=True)
