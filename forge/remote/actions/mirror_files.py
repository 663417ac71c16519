"""What is in the one commit of a mirror: the code, and the one workflow that runs there. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from storage.errors import ConfigError
from storage.records import Repository

WORKFLOWS = ".github/workflows/"
FILE = "bugfoundry.yml"
TOOL = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
TITLE = "bugfoundry {batch}"
"""What a run is called: it is found again by that."""
WORKFLOW = """\
# Written by bugfoundry, which keeps this repository for judging bugs: what is changed here is lost.
name: bugfoundry
run-name: bugfoundry ${{{{ inputs.batch || inputs.code }}}}

on:
  workflow_dispatch:
    inputs:
      batch:
        description: Commit that holds a batch of bugs to judge; empty to build the environment.
        type: string
        default: ""
      code:
        description: Commit that holds the code.
        type: string
        required: true
      sandbox:
        description: docker or local.
        type: string
        default: docker
      registry:
        description: Registry of the image.
        type: string
        default: ghcr.io

permissions: {{}}

jobs:
  environment:
    if: inputs.batch == ''
    permissions:
      contents: read
      packages: write
    uses: {repository}/.github/workflows/environment.yml@{commit}
    with:
      ref: ${{{{ inputs.code }}}}
      sandbox: ${{{{ inputs.sandbox }}}}
      registry: ${{{{ inputs.registry }}}}
  judge:
    if: inputs.batch != ''
    permissions:
      contents: read
      packages: read
    uses: {repository}/.github/workflows/judge.yml@{commit}
    with:
      batch: ${{{{ inputs.batch }}}}
      ref: ${{{{ inputs.code }}}}
      registry: ${{{{ inputs.registry }}}}
"""
DESCRIPTION = "One commit of {name}, kept by bugfoundry to judge bugs. Look for the original there."


def mirror_name(repository: Repository) -> str:
    """Return what the mirror of a repository is called: one of these for each commit."""
    return f"{repository.owner}__{repository.name}.{repository.commit[:8]}"


def workflow(tool: str) -> str:
    """Return the workflow of a mirror; ``tool`` is ``owner/bugfoundry@COMMIT``.

    Raises ConfigError where that does not name a whole commit.
    """
    if not TOOL.fullmatch(tool):
        raise ConfigError(
            f"{tool!r} does not name bugfoundry's own repository at a commit; write it as "
            "owner/bugfoundry@ and the whole commit"
        )
    repository, _, commit = tool.partition("@")
    return WORKFLOW.format(repository=repository, commit=commit)


def changes(paths: Mapping[str, str], text: str) -> dict[str, bytes | None]:
    """Return what of a tree is changed for its mirror: its own workflows go, ours comes.

    They would run on every push, on somebody else's account.
    """
    gone: dict[str, bytes | None] = dict.fromkeys(own_workflows(paths))
    return gone | {f"{WORKFLOWS}{FILE}": text.encode()}


def own_workflows(paths: Mapping[str, str]) -> list[str]:
    """Return the workflow files in a tree."""
    return [path for path in paths if path.startswith(WORKFLOWS)]
