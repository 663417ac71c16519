"""``bugfoundry check``, ``grade`` and ``checkout``: a task as its solver meets it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.options import (
    BaseImagePart,
    JsonOption,
    StoreOption,
    TaskArgument,
    open_store,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from storage.errors import BugfoundryError, SourceError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.grade.lookup import StoredTask
    from forge.grade.verification import Verification
    from harness.judge.judge import Grade


@takes_records
def check_command(
    tasks: Annotated[list[str], typer.Argument(help="Ids of tasks, or unique parts of them.")],
    environment: BaseImagePart,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run tasks again from scratch, both sides: unsolved as they are, solved by the gold patch."""
    from forge.grade.lookup import find_task

    with open_store(store) as opened:
        found = [find_task(opened, name) for name in tasks]
    checks = [check_task(item, environment.base_image, quiet=as_json) for item in found]
    if as_json:
        print_json(checks)
    failed = [item.task for item in checks if not item.holds]
    if failed:
        raise BugfoundryError(f"{len(failed)} of {len(checks)} tasks do not hold: {failed[0]}")


def check_task(found: StoredTask, base_image: str | None, *, quiet: bool) -> Verification:
    """Check one task and say so."""
    from forge.compose import PARTS
    from forge.grade.evaluation import Evaluation
    from forge.grade.verification import check

    evaluation = Evaluation(
        make_backend=PARTS.make_backend, cache=cache_dir(), base_image=base_image
    )
    with show_progress(f"{found.task.id}: running both sides", is_live=False):
        result = run_interruptible(lambda: check(evaluation, found))
    if not quiet:
        out.print(
            f"{result.task}: empty patch {describe_grade(result.empty)}; "
            f"gold patch {describe_grade(result.gold)}: "
            f"{'holds' if result.holds else 'DOES NOT HOLD'}",
            highlight=False,
            soft_wrap=True,
        )
        print_taken_back(result.gold.taken_back)
    return result


def describe_grade(grade: Grade) -> str:
    """A grade in a few words."""
    word = "solved" if grade.resolved else "unsolved"
    total = len(grade.fail_to_pass_green) + len(grade.fail_to_pass_red)
    text = f"{word} ({len(grade.fail_to_pass_green)} of {total} fixed"
    lost = len(grade.pass_to_pass_red)
    return f"{text}, {lost} broken)" if lost else f"{text})"


@takes_records
def grade_command(
    task: TaskArgument,
    patch: Annotated[
        Path, typer.Option(help="File with the patch, as `git diff` writes it; - is stdin.")
    ],
    environment: BaseImagePart,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Grade a patch on a task: exit code 0 when it is solved, 1 when not.

    Tests, and what decides how they run, are put back as they were; what was is named.
    """
    from forge.compose import PARTS
    from forge.grade.grade import grade_patch
    from forge.grade.lookup import find_task

    text = read_patch(patch)
    with open_store(store) as opened:
        found = find_task(opened, task)
    grade = run_interruptible(
        lambda: grade_patch(
            found, text, parts=PARTS, cache=cache_dir(), base_image=environment.base_image
        )
    )
    if as_json:
        print_json(grade)
    else:
        out.print(f"{found.task.id}: {describe_grade(grade)}", highlight=False, soft_wrap=True)
        for test in (*grade.fail_to_pass_red, *grade.pass_to_pass_red)[:20]:
            out.print(f"  not green: {test}", markup=False, highlight=False, soft_wrap=True)
        print_taken_back(grade.taken_back)
        for each in grade.notes:
            out.print(f"  note: {each}", markup=False, highlight=False, soft_wrap=True)
    if not grade.resolved:
        raise typer.Exit(1)


def print_taken_back(what: Sequence[str]) -> None:
    """Name what of a patch was put back before it was graded."""
    for each in what:
        out.print(f"  put back: {each}", markup=False, highlight=False, soft_wrap=True)


def read_patch(path: Path) -> str:
    """Read a patch. Raises SourceError when the file cannot be read."""
    from forge.grade.prediction_files import decode_patch

    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read the patch {path}: {error.strerror}") from error
    return decode_patch(data)


def checkout_command(
    task: TaskArgument,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    store: StoreOption = None,
) -> None:
    """Write what a solver sees: a git repository of one commit, with the bug, and no remote."""
    from forge.grade.lookup import find_task
    from storage.trees import Trees
    from tasks.start_state import check_out

    if folder.exists() and any(folder.iterdir()):
        raise SourceError(f"{folder} is not empty; name a folder that does not exist yet")
    with open_store(store) as opened:
        found = find_task(opened, task)
    start = check_out(Trees(cache_dir()), found.bug, folder, found.task.test_patch)
    out.print(f"{found.task.id} at {start.commit} in {folder}", highlight=False, soft_wrap=True)
    out.print()
    out.print(found.task.statement, markup=False, highlight=False)
