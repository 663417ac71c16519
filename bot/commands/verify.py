"""``bugfoundry verify``: prove exported tasks, without the store that they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.evaluate import WORKERS, WorkersOption
from bot.commands.leaks import search_leaks
from bot.commands.options import (
    BaseImagePart,
    JsonOption,
    SandboxChoice,
    StoreOption,
    err,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from storage.errors import BugfoundryError, ConfigError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.grade.evaluation import Evaluation
    from forge.grade.lookup import StoredTask
    from forge.grade.probes import Probe
    from forge.grade.rounds import Round, RoundsScore
    from forge.grade.verification import Due
    from forge.run.ledger import Ledger
    from storage.trees import Trees

ROUNDS = 5
WHAT = "say what to verify: one export; or --leaks searches what a solver is given for the fix"
BROKE = frozenset({"environment-failed", "sandbox-broken"})
"""Reasons that say nothing of the task: such a round is run again the next time."""


@takes_records
def verify_command(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EXPORT",
            help="An export: jsonl or parquet file, hf or harbor folder. With --leaks also "
            "ids of tasks in the store, or unique parts; all of them by default.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds on each task.")] = ROUNDS,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Where the tasks that held are written. [default: nowhere]"
        ),
    ] = None,
    probes: Annotated[
        int,
        typer.Option(
            "--probe", min=0, help="Instead: try wrong patches on so many tasks; 0 tries none."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(help="Which tasks are probed.")] = 0,
    workers: WorkersOption = None,
    sandbox: Annotated[
        SandboxChoice | None,
        typer.Option(help="Where the code runs. [default: as the tasks were judged]"),
    ] = None,
    *,
    environment: BaseImagePart,
    leaks: Annotated[
        bool,
        typer.Option(
            "--leaks",
            help="Instead: search environments and start states for the fix.",
        ),
    ] = False,
    image: Annotated[
        list[str] | None,
        typer.Option(help="With --leaks: search this docker image instead, as it is."),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="With --leaks: search this folder instead, as it is."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run exported tasks again from nothing, both sides, in fresh sandboxes, several rounds.

    The first round is as the tasks were judged; then with tests in random order and another hash
    seed, under CPU load, with another clock, and with all of it. The export is enough: no store is
    needed. Scores are kept beside it as they come; the same command goes on where it was stopped.

    --leaks searches environments whole for the fix (other copies of the code, archives, caches,
    byte-code), and each task's start state with its git; exit code 1 where something shows it.

    Example: bugfoundry verify tasks.jsonl --rounds 5 -o held.jsonl
    """
    from forge.compose import PARTS
    from forge.grade.carried_tasks import forget_environments, load_export, read_rows
    from forge.grade.evaluation import Evaluation
    from forge.run.ledger import results_path
    from storage.trees import Trees

    evaluation = Evaluation(
        make_backend=PARTS.make_backend,
        cache=cache_dir(),
        workers=workers or WORKERS,
        base_image=environment.base_image,
        sandbox=None if sandbox is None else sandbox.value,
    )
    if leaks:
        search_leaks(
            what or [],
            evaluation,
            images=image or (),
            folders=folder or (),
            store=store,
            as_json=as_json,
        )
        return
    if len(what or ()) != 1:
        raise ConfigError(WHAT)
    export = Path((what or [""])[0])
    trees = Trees(cache_dir())
    tasks = forget_environments(load_export(export, trees))
    contents = {row["instance_id"]: row["content_sha256"] for row in read_rows(export)}
    if probes:
        probe_tasks(evaluation, trees, tasks, contents, export, probes, seed, as_json=as_json)
        return
    scores = verify_tasks(
        evaluation, tasks, contents, rounds, results_path(export, "verified"), as_json
    )
    if output is not None:
        keep_those_that_held(export, output, scores)
    if as_json:
        print_json([{**asdict(each), "score": each.score} for each in scores])
    failed = [each for each in scores if not each.holds]
    if not as_json:
        summarise(scores)
    if failed:
        raise BugfoundryError(
            f"{len(failed)} of {len(scores)} tasks do not hold: {failed[0].instance_id}"
        )


def verify_tasks(
    evaluation: Evaluation,
    tasks: Mapping[str, StoredTask],
    contents: Mapping[str, str],
    rounds: int,
    place: Path,
    quiet: bool,
) -> list[RoundsScore]:
    """Run the rounds that are due, keep each at once, and return the score of every task."""
    import msgspec

    from forge.grade.rounds import Round, key_of
    from forge.grade.verification import Due
    from forge.run.ledger import Ledger

    ledger = Ledger(place)
    due, known = [], []
    for name, found in tasks.items():
        for number in range(1, rounds + 1):
            kept = ledger.get(key_of(name, contents[name], number))
            if kept is None or kept["reason"] in BROKE:
                due.append(Due(found=found, content=contents[name], number=number))
            else:
                known.append(msgspec.convert(kept, Round))
    if known and not quiet:
        err.print(f"{format_count(len(known), 'round')} known from before", highlight=False)
    scored = Scored(known, rounds, total=len(tasks), quiet=quiet)
    run_interruptible(lambda: gather(evaluation, due, ledger, scored))
    return scored.scores


class Scored:
    """The rounds of each task, and its score once all are there: told in a line."""

    def __init__(self, known: Sequence[Round], rounds: int, *, total: int, quiet: bool) -> None:
        self.scores: list[RoundsScore] = []
        self._rounds = rounds
        self._total = total
        self._quiet = quiet
        self._of: dict[str, list[Round]] = {}
        for each in known:
            self.add(each)

    def add(self, each: Round) -> None:
        """Take in one round."""
        from forge.grade.rounds import score

        found = self._of.setdefault(each.task, [])
        found.append(each)
        if len(found) < self._rounds:
            return
        done = score(each.task, found)
        self.scores.append(done)
        if not self._quiet:
            word = "holds" if done.holds else "DROPPED"
            why = "" if done.holds else f": {done.reasons[0]}"
            out.print(
                f"{len(self.scores)}/{self._total} {done.instance_id}: "
                f"{done.held} of {format_count(done.rounds, 'round')}, {word}{why}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


async def gather(
    evaluation: Evaluation, due: Sequence[Due], ledger: Ledger, scored: Scored
) -> None:
    """Run what is due; what is known of each round is kept before it is told."""
    from forge.grade.verification import verify

    done = 0
    stage = f"running {format_count(len(due), 'round')}"
    with show_progress(stage, is_live=False) as reporter:
        async for each in verify(evaluation, due):
            ledger.add(each.key, asdict(each))
            scored.add(each)
            done += 1
            reporter.count(done, len(due), "running rounds")


def keep_those_that_held(export: Path, output: Path, scores: Sequence[RoundsScore]) -> None:
    """Write the records of the tasks that held, each with its score."""
    from forge.grade.carried_tasks import read_rows
    from forge.run.ledger import write_whole

    by_name = {each.instance_id: each for each in scores}
    lines, bundles, held = [], {}, set()
    rows = read_rows(export)
    for row in rows:
        if row["tree_bundle"]:
            bundles[row["tree"]] = row["tree_bundle"]
    for row in rows:
        found = by_name[row["instance_id"]]
        if found.holds:
            bundle = "" if row["tree"] in held else bundles[row["tree"]]
            held.add(row["tree"])
            told = {"verified_rounds": found.rounds, "verified_score": found.score}
            lines.append(json.dumps({**row, "tree_bundle": bundle, **told}, ensure_ascii=False))
    write_whole(output, "".join(f"{line}\n" for line in lines))


def summarise(scores: Sequence[RoundsScore]) -> None:
    """Say how it went, all in all."""
    held = sum(each.holds for each in scores)
    share = held / len(scores) if scores else 0.0
    clocks = sorted({each.clock for each in scores if each.clock})
    clock = f"; another clock: {', '.join(clocks)}" if clocks else ""
    out.print(f"{held} of {len(scores)} tasks hold ({share:.1%}){clock}", highlight=False)


def probe_tasks(
    evaluation: Evaluation,
    trees: Trees,
    tasks: Mapping[str, StoredTask],
    contents: Mapping[str, str],
    export: Path,
    count: int,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """Try wrong patches on a sample of the tasks, and say how many were taken for solutions."""
    from forge.grade.probes import describe_probe, probes_of, sample, weakness
    from forge.run.ledger import Ledger, results_path

    chosen = sample(sorted(tasks), count, seed)
    wrong = [each for name in chosen for each in probes_of(tasks, name, contents[name], trees)]
    ledger = Ledger(results_path(export, "probed"))
    results = run_interruptible(lambda: gather_probes(evaluation, trees, tasks, wrong, ledger))
    if as_json:
        print_json({"repositories": weakness(results), "probes": [asdict(e) for e in results]})
        return
    for each in results:
        if each.accepted or each.error:
            out.print(describe_probe(each), highlight=False, markup=False, soft_wrap=True)
    for repository, told in weakness(results).items():
        out.print(
            f"{repository}: {told['accepted']} of {told['tried']} wrong patches accepted "
            f"({told['share']:.1%})",
            highlight=False,
            soft_wrap=True,
        )


async def gather_probes(
    evaluation: Evaluation,
    trees: Trees,
    tasks: Mapping[str, StoredTask],
    wrong: Sequence[Probe],
    ledger: Ledger,
) -> list[Probe]:
    """Grade the probes that are not known from before."""
    import msgspec

    from forge.grade.probes import Probe, probe

    known = [msgspec.convert(found, Probe) for each in wrong if (found := ledger.get(each.key))]
    done = {each.key for each in known}
    left = [each for each in wrong if each.key not in done]
    stage = f"trying {format_count(len(left), 'wrong patch', 'wrong patches')}"
    with show_progress(stage, is_live=False) as reporter:
        async for each in probe(evaluation, trees, tasks, left):
            if not each.error:
                ledger.add(each.key, asdict(each))
            known.append(each)
            reporter.count(len(known), len(wrong), "trying wrong patches")
    return sorted(known, key=lambda each: (each.task, each.kind, each.key))
