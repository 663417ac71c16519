"""The commands, by the job they are for: known without importing any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Where a command is, and its line in the help."""

    place: str
    """``module:name`` in ``bot.commands``: a function, or a group of them."""
    summary: str
    """What its docstring begins with, or what the help of its group is: a test compares."""


JOBS: Mapping[str, Mapping[str, CommandEntry]] = {
    "Make tasks": {
        "forge": CommandEntry("forge:forge_command", "Make verified bugs from a repository."),
        "crawl": CommandEntry(
            "crawl:crawl_command",
            "Find the pull requests that closed issues, and choose those worth mirroring.",
        ),
        "pulls": CommandEntry(
            "crawl:pulls_command",
            "List the pull requests that were crawled, and what became of each.",
        ),
        "operators": CommandEntry(
            "listings:operators_command", "List the operators that make procedural bugs."
        ),
    },
    "Work with tasks": {
        "tasks": CommandEntry("listings:tasks_command", "List the tasks in the store."),
        "show": CommandEntry(
            "listings:show_command",
            "Show a task: the bug as a diff, the tests, where it came from.",
        ),
        "checkout": CommandEntry(
            "grades:checkout_command",
            "Write what a solver sees: a git repository of one commit, with the bug, and no "
            "remote.",
        ),
        "check": CommandEntry(
            "grades:check_command",
            "Run tasks again from scratch, both sides: unsolved as they are, solved by the "
            "gold patch.",
        ),
        "grade": CommandEntry(
            "grades:grade_command",
            "Grade a patch on a task: exit code 0 when it is solved, 1 when not.",
        ),
        "evaluate": CommandEntry(
            "evaluate:evaluate_command",
            "Grade patches on tasks, in parallel, and write a report.",
        ),
        "rollout": CommandEntry(
            "rollout:rollout_command",
            "Run an agent on tasks in sandboxes, grade what it leaves, and keep trajectories.",
        ),
        "gates": CommandEntry(
            "gates:gates_command", "List the gates, and how many tasks each stops."
        ),
        "export": CommandEntry(
            "export:export_command",
            "Write the tasks that pass the gates to a file or, for harbor and hf, to a folder.",
        ),
    },
    "Measure": {
        "verify": CommandEntry(
            "verify:verify_command",
            "Run exported tasks again from nothing, both sides, in fresh sandboxes, several "
            "rounds.",
        ),
        "audit": CommandEntry(
            "audit:audit_command",
            "Judge stored verdicts again by the whole suite, and report where that differs.",
        ),
        "contamination": CommandEntry(
            "contamination:contamination_command",
            "Show which tasks are on repositories of public benchmarks, and which repeat "
            "another set.",
        ),
        "realism": CommandEntry(
            "realism:realism_command",
            "Say how well bugs are told from those that people fixed in the same repositories.",
        ),
        "report": CommandEntry(
            "report:report_command",
            "Write one page on all bugs of the store: yields, costs, gates, difficulty, and "
            "realism.",
        ),
        "transfer": CommandEntry(
            "transfer:transfer_command",
            "Compare an agent's solve rate on synthetic and on mirrored tasks of held-out "
            "repositories.",
        ),
        "stats": CommandEntry(
            "stats:stats_command",
            "Show verdicts and tasks of each repository, and the runner minutes of each valid"
            " task.",
        ),
        "costs": CommandEntry(
            "costs:costs_command",
            "Show what language models cost: by purpose, strategy and repository, and per "
            "valid task.",
        ),
    },
    "Many repositories": {
        "campaign": CommandEntry(
            "campaign:campaign_command", "Forge many repositories under one budget."
        ),
        "batch": CommandEntry(
            "batch:app",
            "Have bugs judged by other machines: plan shards, run one, collect verdicts.",
        ),
    },
    "The App": {
        "serve": CommandEntry(
            "serve:serve_command", "Run the service that GitHub sends webhooks to."
        ),
        "work": CommandEntry(
            "serve:work_command",
            "Do the long work of the service: environments, crawls, bugs, verdicts.",
        ),
        "app": CommandEntry("app:app", "Make the GitHub App, and see what is wrong with it."),
        "hosted": CommandEntry(
            "hosted:hosted_command",
            "List the repositories on GitHub that the App can see, and whether they are opted in.",
        ),
        "optout": CommandEntry(
            "hosted:optout_command",
            "Stop working on a repository, and withhold its tasks from exports.",
        ),
        "optin": CommandEntry(
            "hosted:optin_command",
            "Take back `bugfoundry optout`: from now on the repository's label decides again.",
        ),
        "jobs": CommandEntry("jobs:app", "The queue of the service."),
    },
    "Environments": {
        "env": CommandEntry("env:app", "See and build the environment of a repository."),
        "images": CommandEntry(
            "images:app", "Docker images, and the folders of local environments."
        ),
    },
}
"""In the order in which the help lists them."""
COMMANDS: Mapping[str, CommandEntry] = {
    name: entry for entries in JOBS.values() for name, entry in entries.items()
}
