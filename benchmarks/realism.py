"""How well made bugs are told from people's, before and after ``forge --like-human``.

    python benchmarks/realism.py sample OWNER/NAME=GIT_DIR … --made 300 -o samples.jsonl
    python benchmarks/realism.py score samples.jsonl
    python benchmarks/realism.py sample OTHER/NAME=GIT_DIR … --made 300 --to-fit -o others.jsonl
    python benchmarks/realism.py fit others.jsonl --date 2026-11-25 -o mutators/human.json

A human sample is a fix that closes an issue, undone at its own commit; a made one is a procedural
bug as it is proposed at the head, drawn evenly or by the shipped profile. To fit a profile, the
candidates are written that a run would look at. Nothing is run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from forge.study.realism.fit import fit_profile
from forge.study.realism.samples import HUMAN, Sample, human_samples, made_sample
from forge.study.realism.two_sample import SeparationScore, by_repository, halves, score_samples
from mutators.likely import EACH, UNFITTED, shipped_profile
from mutators.procedural import propose
from storage.git import git
from syntax.features.profile import Profile
from syntax.paths import is_source_path

EVEN, LIKELY, CANDIDATE = "procedural", "like-human", "candidate"


def files_of(git_dir: Path) -> dict[str, bytes]:
    """Read the source files at the head."""
    listed = git(f"--git-dir={git_dir}", "ls-tree", "-r", "-z", "--name-only", "HEAD")
    paths = [path for path in listed.decode().split("\0") if path and is_source_path(path)]
    return {path: git(f"--git-dir={git_dir}", "show", f"HEAD:{path}") for path in paths}


def made(
    name: str, files: dict[str, bytes], limit: int, profile: Profile | None, label: str
) -> Iterator[Sample]:
    """Propose bugs."""
    bugs = propose("0" * 40, files, {}, seed=0, max_bugs=limit, compiles=None, profile=profile)
    for bug in bugs:
        sample = made_sample(name, bug, files, label)
        if sample is not None:
            yield sample


def sample(options: argparse.Namespace) -> None:
    """Read the samples of some repositories; each is written as soon as it is read."""
    with options.output.open("ab") as output:
        for each in options.repositories:
            name, _, folder = each.partition("=")
            started, git_dir = time.monotonic(), Path(folder)
            head = git(f"--git-dir={git_dir}", "rev-parse", "HEAD").decode().strip()
            files = files_of(git_dir)
            found = list(human_samples(git_dir, head, name))
            if options.to_fit:
                found += made(name, files, EACH * options.made, UNFITTED, CANDIDATE)
            else:
                found += made(name, files, options.made, None, EVEN)
                found += made(name, files, options.made, shipped_profile(), LIKELY)
            output.writelines(msgspec.json.encode(sample) + b"\n" for sample in found)
            output.flush()
            seconds = time.monotonic() - started
            print(f"{name} at {head[:12]}: {len(found)} samples, {seconds:.0f} s", flush=True)


def read(path: Path) -> list[Sample]:
    """Read samples."""
    return [msgspec.json.decode(line, type=Sample) for line in path.open("rb")]


def score(options: argparse.Namespace) -> None:
    """Print how well each kind is told from human bugs, all together and by repository."""
    samples = read(options.samples)
    human = [each for each in samples if each.strategy == HUMAN]
    sides = {
        "even": [each for each in samples if each.strategy == EVEN],
        "like-human": [each for each in samples if each.strategy == LIKELY],
    }
    print(f"{'told from human bugs':40} {'AUC':>6}  95 % interval   human  other")
    for label, other in sides.items():
        judged = score_samples(human, other)
        if judged is None:
            continue
        show(f"{label}, all", judged.score())
        for name in sorted(by_repository(samples)):
            show(f"{label}, {name}", judged.score(repository=name))
        for what, one in (("of one run alone", True), ("of several runs", False)):
            part = score_samples(of_one_run(human, one), of_one_run(other, one))
            show(f"{label}, {what}", part.score() if part else None)
    older, newer = halves(human)
    floor = score_samples(newer, older)
    show("floor: newer from older human bugs", floor.score() if floor else None)
    for name, own in sorted(by_repository(human).items()):
        rest = [replace(each, repository=name) for each in human if each.repository != name]
        floor = score_samples(own, rest)
        show(f"floor: {name} from the rest", floor.score() if floor else None)


def of_one_run(samples: list[Sample], one: bool) -> list[Sample]:
    """Take the bugs that change one run of lines alone, or the others."""
    return [each for each in samples if (each.numbers["hunks"] == 1) is one]


def show(label: str, found: SeparationScore | None) -> None:
    """Print one line."""
    if found is None:
        print(f"{label:40} too few")
        return
    interval = f"{found.low:.3f} to {found.high:.3f}"
    print(f"{label:40} {found.auc:6.3f}  {interval}  {found.human:6} {found.other:6}", flush=True)


def fit(options: argparse.Namespace) -> None:
    """Fit a profile, and write it."""
    samples = read(options.samples)
    human = [each for each in samples if each.strategy == HUMAN]
    candidates = [each for each in samples if each.strategy == CANDIDATE]
    options.output.write_bytes(fit_profile(human, candidates, date=options.date).encode_json())


def main() -> None:
    """Read samples, score them, or fit a profile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(required=True)
    sampling = commands.add_parser("sample")
    sampling.add_argument("repositories", nargs="+", metavar="OWNER/NAME=GIT_DIR")
    sampling.add_argument("--made", type=int, default=300, help="made bugs of each")
    sampling.add_argument("--to-fit", action="store_true", help="candidates in their place")
    sampling.add_argument("-o", dest="output", type=Path, required=True)
    sampling.set_defaults(run=sample)
    scoring = commands.add_parser("score")
    scoring.add_argument("samples", type=Path)
    scoring.set_defaults(run=score)
    fitting = commands.add_parser("fit")
    fitting.add_argument("samples", type=Path)
    fitting.add_argument("--date", required=True)
    fitting.add_argument("-o", dest="output", type=Path, required=True)
    fitting.set_defaults(run=fit)
    options = parser.parse_args()
    options.run(options)


main()
