"""The command line. Each command is a module of its own in ``bot/commands``."""

from __future__ import annotations

import logging
import os
import sys

import typer

from bot.commands import app as github_app
from bot.commands import (
    audit,
    batch,
    campaign,
    contamination,
    costs,
    crawl,
    env,
    evaluate,
    export,
    forge,
    gates,
    grading,
    hosted,
    images,
    jobs,
    listing,
    realism,
    report,
    rollout,
    serve,
    stats,
    transfer,
    verify,
)
from bot.commands.options import err
from bot.running import Stopped
from bot.steps import mute_commands
from storage.errors import BugfoundryError

app = typer.Typer(
    name="bugfoundry",
    help="Turn a repository into verified bug-fixing tasks.\n\n"
    "Start with: bugfoundry forge pypi:itsdangerous",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("forge")(forge.forge_command)
app.command("crawl")(crawl.crawl_command)
app.command("pulls")(crawl.pulls_command)
app.command("tasks")(listing.tasks_command)
app.command("show")(listing.show_command)
app.command("operators")(listing.operators_command)
app.command("costs")(costs.costs_command)
app.command("check")(grading.check_command)
app.command("grade")(grading.grade_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("rollout")(rollout.rollout_command)
app.command("transfer")(transfer.transfer_command)
app.command("checkout")(grading.checkout_command)
app.command("verify")(verify.verify_command)
app.command("audit")(audit.audit_command)
app.command("realism")(realism.realism_command)
app.command("report")(report.report_command)
app.command("export")(export.export_command)
app.command("gates")(gates.gates_command)
app.command("contamination")(contamination.contamination_command)
app.command("stats")(stats.stats_command)
app.command("campaign")(campaign.campaign_command)
app.command("serve")(serve.serve_command)
app.command("work")(serve.work_command)
app.command("hosted")(hosted.hosted_command)
app.command("optout")(hosted.optout_command)
app.command("optin")(hosted.optin_command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(github_app.app, name="app")
app.add_typer(batch.app, name="batch")
app.add_typer(env.app, name="env")
app.add_typer(images.app, name="images")


def main() -> None:
    """Run the command line; errors a person can act on are one line and exit code 1."""
    mute_commands()
    logging.basicConfig(level=logging.WARNING, format="bugfoundry: %(message)s")
    try:
        app()
    except BugfoundryError as error:
        one_line = " ".join(str(error).split())
        err.print(f"bugfoundry: {one_line}", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except Stopped as stopped:
        err.print(
            "bugfoundry: stopped; the same command goes on where this one was", style="yellow"
        )
        sys.exit(stopped.code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except typer.Abort:
        sys.exit(130)
