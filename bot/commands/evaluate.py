"""``bugfoundry evaluate``: grade the patches of solvers, and report on them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from storage.errors import NoPredictions, StoreError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.grade.evaluation import Evaluation, EvaluationCase
    from forge.grade.lookup import StoredTask
    from forge.grade.prediction_files import PredictionFile
    from forge.grade.predictions import Graded, Prediction
    from forge.run.ledger import Ledger
    from harness.runs.selection import Coverage
    from storage.store import Store

LISTED = 20
NAMELESS = "no model named"
BROKE = ("sandbox-broken", "environment-failed", "grading-failed")
"""Errors that say nothing of the patch: it is tried again the next time."""
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
            "JSON lines, a list, or an object by id. Or a folder of patches, ID.diff or ID.patch."
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

    Tests, and what decides how they run, are put back as they were; the report names what was.
    A run that was stopped goes on where it was: each grade is kept beside the report.

    Exit code 0: all were graded, solved or not. 1: some could not be; the report says why. 2: not
    one row could be read.

    Example: bugfoundry evaluate --predictions preds.jsonl -o report.json
    """
    from forge.compose import PARTS
    from forge.grade.evaluation import Evaluation, cases
    from forge.grade.evaluation_reports import exit_code, report
    from forge.grade.prediction_files import read_predictions
    from forge.run.ledger import Ledger, write_whole

    read = read_predictions(predictions)
    found, refused, covered = known_tasks(read.predictions, tasks, store)
    evaluation = Evaluation(
        make_backend=PARTS.make_backend,
        cache=cache_dir(),
        workers=workers or WORKERS,
        full=full,
        base_image=environment.base_image,
        coverage=covered.get,
    )
    todo, done = cases(read.predictions, found, evaluation.mode, refused)
    ledger = Ledger(output.with_name(f"{output.name}.lines"))
    kept, todo = split_graded(todo, ledger)
    if kept and not as_json:
        err.print(f"{format_count(len(kept), 'grade')} known from before", highlight=False)
    graded = run_interruptible(lambda: gather(evaluation, todo, ledger, quiet=as_json))
    done = [*read.failed, *done, *kept, *graded]
    told = report(done, read.ignored_fields)
    write_whole(output, json.dumps(told, indent=1) + "\n")
    if as_json:
        print_json(told)
    else:
        summarise(told, read, output)
    if not read.predictions:
        raise NoPredictions(f"not one row of {predictions} can be read; {output} says why of each")
    if exit_code(done):
        raise typer.Exit(1)


def known_tasks(
    listed: Sequence[Prediction], tasks: Path | None, store: Path | None
) -> tuple[dict[str, StoredTask], dict[str, str], dict[str, Coverage]]:
    """Return the tasks that predictions name, why some cannot serve, and what their tests cover."""
    from forge.grade.carried_tasks import load_export
    from forge.grade.lookup import find_task
    from harness.runs.coverage import decode
    from storage.trees import Trees

    if tasks is not None:
        return load_export(tasks, Trees(cache_dir())), {}, {}
    with open_store(store) as opened:
        found, refused = {}, {}
        for name in sorted({each.instance_id for each in listed}):
            try:
                if has_task(opened, name):
                    found[name] = find_task(opened, name)
            except StoreError as error:
                refused[name] = str(error)
        covered = {}
        for environment in {each.environment.id for each in found.values()}:
            data = opened.coverage(environment)
            coverage = None if data is None else decode(data)
            if coverage is not None:
                covered[environment] = coverage
    return found, refused, covered


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
        if found is None or found["error"] in BROKE:
            left.append(case)
        else:
            kept.append(replace(msgspec.convert(found, Graded), place=case.prediction.place))
    return kept, left


async def gather(
    evaluation: Evaluation, todo: Sequence[EvaluationCase], ledger: Ledger, *, quiet: bool
) -> list[Graded]:
    """Grade, keep each grade at once, and say so."""
    from forge.grade.evaluation import evaluate

    several = len({case.prediction.model for case in todo}) > 1
    found = []
    stage = f"grading {format_count(len(todo), 'patch', 'patches')}"
    with show_progress(stage, is_live=False) as reporter:
        async for each in evaluate(evaluation, todo):
            ledger.add(each.key, asdict(each))
            found.append(each)
            if not quiet:
                whose = f" by {each.model or NAMELESS}" if several else ""
                say(f"{len(found)}/{len(todo)} {each.instance_id}{whose}: {describe_graded(each)}")
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
    back = f", put back {'; '.join(each.taken_back)}" if each.taken_back else ""
    fixed = f"{len(green)} of {len(green) + len(red)} fixed{broken}"
    return f"{word} ({fixed}) {each.seconds:.1f} s{back}"


def summarise(told: Mapping[str, Any], read: PredictionFile, output: Path) -> None:
    """Say how it went for each model, what could not be graded and why, and what was not read."""
    for name, totals in told["models"].items():
        say(f"{name or NAMELESS}: {describe_totals(totals)}")
    failed = sorted(filter(has_error, told["instances"]), key=order_of)
    if failed:
        say(f"{format_count(len(failed), 'row')} not graded:")
    for each in failed[:LISTED]:
        say(f"  {describe_failure(each)}")
    if len(failed) > LISTED:
        say(f"  … and {len(failed) - LISTED} more; the report has all")
    if told["ignored_fields"]:
        fields = [
            f"{name} ({format_count(count, 'row')})"
            for name, count in told["ignored_fields"].items()
        ]
        say(f"fields not read: {list_some(fields)}")
    if read.passed_over:
        say(f"files passed over, no patches: {list_some(read.passed_over)}")
    err.print(f"report in {output}", markup=False, highlight=False, soft_wrap=True)


def has_error(row: Mapping[str, Any]) -> bool:
    """Say whether a row of the report was not graded."""
    return bool(row["error"])


def order_of(row: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return what sorts rows as the file has them: numbers in their places count as such."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", row["row"])]


def describe_totals(totals: Mapping[str, Any]) -> str:
    """A model's figures in a line."""
    text = f"{totals['resolved']} of {totals['total']} resolved"
    if totals["empty_patches"]:
        text += f", {format_count(totals['empty_patches'], 'empty patch', 'empty patches')}"
    if totals["errors"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in totals["reasons"].items())
        text += f", {totals['errors']} not graded ({reasons})"
    if totals["duplicate_rows"]:
        text += f", {format_count(totals['duplicate_rows'], 'duplicate row')} left out"
    return text


def describe_failure(row: Mapping[str, Any]) -> str:
    """Say of a row of the report where it was read and why it was not graded."""
    names = [row["instance_id"], row["model_name_or_path"]]
    about = f" ({', '.join(filter(None, names))})" if any(names) else ""
    why = f": {' '.join(row['detail'].split())}" if row["detail"] else ""
    return f"{row['row']}{about}: {row['error']}{why}"


def list_some(names: Sequence[str]) -> str:
    """Join names, the first of many."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def say(line: str) -> None:
    """Print a line that holds names of strangers, as they are but for what moves a terminal."""
    text = "".join(c if c.isprintable() else ascii(c).strip("'") for c in line)
    out.print(text, markup=False, highlight=False, soft_wrap=True)
