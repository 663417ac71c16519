"""Forge one repository of a campaign in a process of its own, as a person would."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from forge.remote.campaign.config import Campaign, CampaignEntry
from forge.remote.campaign.execution import ForgedOne, ForgeOne
from forge.remote.campaign.schedule import DONE, FAILED, STOPPED
from forge.run.setting_fields import setting_fields, write_words
from llm.configuration import RUN_BUDGET, RUN_NAME

GRACE = 60.0
"""Seconds that a repository has to stop in."""
SHOWN = 300
"""Characters of why a repository failed."""


def forge_in_process(
    campaign: Campaign, *, store: Path, cache: Path, environ: Mapping[str, str] | None = None
) -> ForgeOne:
    """Return what forges one repository of a campaign, so that none takes another with it."""
    given = dict(os.environ if environ is None else environ)
    variables = {
        **given,
        "BUGFOUNDRY_CACHE": str(cache),
        RUN_NAME: f"campaign-{campaign.name}",
        RUN_BUDGET: str(campaign.dollars),
    }

    async def forge_one(entry: CampaignEntry) -> ForgedOne:
        words = command(campaign, entry, store)
        limit = campaign.repository_hours * 3600
        return read_result(*await run_command(words, variables, seconds=limit))

    return forge_one


def command(campaign: Campaign, entry: CampaignEntry, store: Path) -> list[str]:
    """Return the command that forges one repository: what a person would type."""
    words = [sys.executable, "-m", "bot", "forge", "--json", "--store", str(store)]
    words += settings_words(campaign, entry)
    words += [] if entry.python is None else ["--python", entry.python]
    for step in entry.install or ():
        words += ["--install", step]
    words += [] if entry.pytest_args is None else ["--pytest-args", entry.pytest_args]
    return [*words, "--", entry.source]


def settings_words(campaign: Campaign, entry: CampaignEntry) -> list[str]:
    """Return the options that a campaign has a say in."""
    proposals, model = campaign.proposals, campaign.model
    agreed = replace(
        campaign,
        proposals=replace(
            proposals,
            max_bugs=entry.max_bugs or proposals.max_bugs,
            strategies=entry.strategies or proposals.strategies,
        ),
        model=replace(model, budget=model.budget if campaign.dollars else 0),
    )
    words: list[str] = []
    of_forge = [each.path for each in setting_fields(Campaign) if len(each.path) > 1]
    for record in dict.fromkeys(path[0] for path in of_forge):
        offered = {path[1:] for path in of_forge if path[0] == record}
        words += write_words(getattr(agreed, record), offered)
    return words


async def run_command(
    words: list[str], environ: Mapping[str, str], *, seconds: float
) -> tuple[int, bytes, bytes]:
    """Run a command to its end, or stop it after so many seconds; return code, output, errors."""
    process = await asyncio.create_subprocess_exec(
        *words,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    reading = asyncio.ensure_future(process.communicate())
    try:
        await asyncio.wait([reading], timeout=seconds)
        if not reading.done():
            await stop(process, reading)
        out, err = await reading
    except asyncio.CancelledError:
        await stop(process, reading)
        raise
    return process.returncode or 0, out, err


async def stop(
    process: asyncio.subprocess.Process, reading: asyncio.Future[tuple[bytes, bytes]]
) -> None:
    """End a process in good order, and by force where it does not end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        await asyncio.wait([reading], timeout=GRACE)
        if reading.done():
            return


def read_result(code: int, out: bytes, err: bytes) -> ForgedOne:
    """Read what a process that forged came to."""
    if code == 0:
        summary = json.loads(out)
        verdicts = sum(count for _, count in summary["reasons"])
        return ForgedOne(state=DONE, tasks=len(summary["tasks"]), verdicts=verdicts)
    lines = err.decode(errors="replace").strip().splitlines()
    last = lines[-1].removeprefix("bugfoundry: ")[:SHOWN] if lines else ""
    if code in (128 + signal.SIGTERM, 128 + signal.SIGINT):
        return ForgedOne(state=STOPPED, failure=last or "stopped")
    if code < 0:
        return ForgedOne(state=FAILED, failure=f"killed by signal {-code}")
    return ForgedOne(state=FAILED, failure=last or f"exit code {code}")
