"""How many bugs a second are proposed, patch text included, on one core.

    python benchmarks/proposing.py FOLDER [--max-bugs N]

Files are read before the clock starts. Prints one line, then the count for each operator.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mutators.procedural import propose
from syntax.paths import is_source_path


def main() -> None:
    """Measure one folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--max-bugs", type=int)
    options = parser.parse_args()
    files = {
        path: file.read_bytes()
        for file in sorted(options.folder.rglob("*.py"))
        if is_source_path(path := file.relative_to(options.folder).as_posix())
    }
    started = time.process_time()
    counts: Counter[str] = Counter()
    for bug in propose("0" * 40, files, {}, seed=0, max_bugs=options.max_bugs, compiles=None):
        counts[bug.origin.operator] += 1
    seconds = time.process_time() - started
    total = counts.total()
    rate = total / seconds
    print(f"{total} bugs from {len(files)} files in {seconds:.2f} CPU-seconds: {rate:.0f}/s")
    for name, count in counts.most_common():
        print(f"{count:8} {name}")


main()
