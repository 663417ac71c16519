"""What strangers' code can try in a sandbox, and what comes of it: the table of docs/sandbox.md.

    .venv/bin/python -m benchmarks.attacks [local] [docker]

Each attack is run as a bug in the tests' sample project, with an ordinary bug behind it in the
same worker; that one must be judged as if nothing had been. Exit code 1 when one was not.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import harness.judge.local_engine
import harness.runs.suite
from harness.judge.local_engine import LocalEngine
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.sandbox import Backend
from tests.furniture.attacks import ASSAULTS, ESCAPED, PROBES, Attack, attacked
from tests.harness.attacked import (
    EXPECTED,
    ORDINARY,
    TARGET,
    WHERE,
    bug,
    engine_of,
    judged,
    prepare,
)

SILENCE = 40.0


async def probe(engine: LocalEngine, attack: Attack) -> tuple[bool, str]:
    """Run a probe; say whether it was refused, and what its test reported."""
    result = (await engine.run_files({WHERE: attacked(attack)})).results[TARGET]
    return ESCAPED not in result.detail, f"{result.outcome}: {result.detail}"


async def assault(engine: LocalEngine, attack: Attack) -> tuple[bool, str]:
    """Judge an assault, then an ordinary bug; say whether that one was unaffected."""
    first, second = await judged(engine, bug(attacked(attack)), bug(ORDINARY))
    held = second.reason == "valid" and second.fail_to_pass == EXPECTED
    told = f"`{first.reason}`" + (f": {first.detail}" if first.detail else "")
    return held and first.reason in attack.reasons, told


async def table(name: str, backend: Backend, folder: Path) -> bool:
    """Print the table of one sandbox; return whether every attack was contained."""
    measured = await prepare(backend, folder)
    print(
        f"\n### {name}\n\n| attack | contained by | what the user saw | held |\n|---|---|---|---|"
    )
    good = True
    for attack in (*PROBES, *ASSAULTS):
        run = probe if attack in PROBES else assault
        held, told = await run(engine_of(measured), attack)
        good = good and held
        line = " ".join(told.replace("|", "\\|").split())[:150]
        print(f"| {attack.name} | {attack.contained_by} | {line} | {'yes' if held else 'NO'} |")
        sys.stdout.flush()
    return good


def main() -> int:
    wanted = sys.argv[1:] or ["local", "docker"]
    vars(harness.judge.local_engine)["total_timeout"] = lambda baseline: SILENCE
    harness.runs.suite.GRACE = 5.0
    good = True
    for name in wanted:
        with tempfile.TemporaryDirectory() as place:
            cache = Path(place, "cache")
            backend: Backend = LocalBackend(cache) if name == "local" else DockerBackend()
            title = getattr(backend, "isolation", "docker")
            good = asyncio.run(table(title, backend, Path(place))) and good
    return 0 if good else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
