"""What the commands of ``bugfoundry batch`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FolderArgument = Annotated[Path, typer.Argument(help="The folder that `batch plan` wrote.")]
PlanOption = Annotated[
    str, typer.Option("--plan", help="The plan in it to go by: that of a later wave, for instance.")
]
