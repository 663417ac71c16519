"""Samples of both sides for the benchmark of realism: read once, kept as lines of JSON.

    python benchmarks/realism_samples.py OWNER/NAME=GIT_DIR … --made 400 -o samples.jsonl

A human sample is a fix that closes an issue, undone at its own commit; a made one is a procedural
bug as it is proposed at the head. Nothing is run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from bot.realism.samples import Sample, human_samples, made_sample
from mutators.procedural import propose
from storage.git import git
from syntax.paths import is_source_path


def files_of(git_dir: Path) -> dict[str, bytes]:
    """Read the source files at the head."""
    listed = git(f"--git-dir={git_dir}", "ls-tree", "-r", "-z", "--name-only", "HEAD")
    paths = [path for path in listed.decode().split("\0") if path and is_source_path(path)]
    return {path: git(f"--git-dir={git_dir}", "show", f"HEAD:{path}") for path in paths}


def made(name: str, git_dir: Path, limit: int) -> Iterator[Sample]:
    """Propose bugs at the head."""
    files = files_of(git_dir)
    for bug in propose("0" * 40, files, {}, seed=0, max_bugs=limit, compiles=None):
        sample = made_sample(name, bug, files)
        if sample is not None:
            yield sample


def main() -> None:
    """Read the samples of some repositories."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("repositories", nargs="+", metavar="OWNER/NAME=GIT_DIR")
    parser.add_argument("--made", type=int, default=400, help="made bugs of each")
    parser.add_argument("-o", dest="output", type=Path, required=True)
    options = parser.parse_args()
    with options.output.open("ab") as output:
        for each in options.repositories:
            name, _, folder = each.partition("=")
            started, git_dir = time.monotonic(), Path(folder)
            head = git(f"--git-dir={git_dir}", "rev-parse", "HEAD").decode().strip()
            people = list(human_samples(git_dir, head, name))
            samples = [*people, *made(name, git_dir, options.made)]
            output.writelines(msgspec.json.encode(sample) + b"\n" for sample in samples)
            output.flush()
            seconds = time.monotonic() - started
            counts = f"{len(people)} human, {len(samples) - len(people)} made"
            print(f"{name} at {head[:12]}: {counts}, {seconds:.0f} s", flush=True)


main()
