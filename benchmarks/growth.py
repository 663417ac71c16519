"""Whether a long run stays linear in time and flat in memory.

    .venv/bin/python -m benchmarks.growth SOURCE --bugs 10000 [--every 1000]

Runs ``forge`` in this process and prints, after so many verdicts each: the seconds and CPU-seconds
of this process that they took, its resident memory, and what the store has grown by for each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from forge.compose import forge
from forge.run.progress import Quiet
from forge.run.settings import EnvironmentSettings, ProposalSettings, Settings, ValidationSettings
from storage.errors import BugfoundryError
from storage.paths import cache_dir
from storage.store import Store

KILO = 1000
PAGE = os.sysconf("SC_PAGE_SIZE")


class Growth(Quiet):
    """Prints a row whenever so many more verdicts are known."""

    def __init__(self, store: Path, every: int) -> None:
        super().__init__(Console(stderr=True))
        self._store = store
        self._every = every
        self._last = (0, time.monotonic(), cpu(), self._size())
        self.highest = 0.0

    def count(self, done: int, total: int, text: str) -> None:
        """Take note of a verdict."""
        judged, since, used, size = self._last
        if done == 1:
            self._last = (0, time.monotonic(), cpu(), self._size())
        elif done - judged >= self._every:
            now, spent, grown, resident = time.monotonic(), cpu(), self._size(), memory()
            self.highest = max(self.highest, resident)
            number = done - judged
            print(
                f"{done:6} verdicts  {1000 * (now - since) / number:7.1f} ms each  "
                f"{1000 * (spent - used) / number:6.1f} ms CPU of this process each  "
                f"{resident:6.1f} MB resident  "
                f"{(grown - size) / number / KILO:6.2f} kB of store each",
                flush=True,
            )
            self._last = (done, now, spent, grown)

    def _size(self) -> int:
        names = [self._store, self._store.with_name(self._store.name + "-wal")]
        return sum(path.stat().st_size for path in names if path.exists())


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="as for `bugfoundry forge`")
    parser.add_argument("--bugs", type=int, default=10000)
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--sandbox", default="auto", choices=("auto", "docker", "local"))
    parser.add_argument("--store", type=Path, help="default: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "growth.db"
        settings = Settings(
            source=options.source,
            cache=cache_dir(),
            environment=EnvironmentSettings(sandbox=options.sandbox, base_image=None),
            proposals=ProposalSettings(seed=0, max_bugs=options.bugs, operators=None),
            validation=ValidationSettings(workers=os.cpu_count() or 1),
        )
        reporter = Growth(path, options.every)
        try:
            with Store(path) as store:
                summary = asyncio.run(forge(settings, store=store, reporter=reporter))
        except BugfoundryError as error:
            print(f"growth: {error}", file=sys.stderr)
            return 1
    total = summary.total
    print(
        f"{total.judged} judged, {total.valid} valid, {summary.seconds:.0f} s with environment and "
        f"baseline; highest resident memory {max(reporter.highest, memory()):.0f} MB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
