"""``bugfoundry app``: make the GitHub App, and see what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bot.commands.options import JsonOption, err, out, print_json
from bot.commands.serve import ConfigOption
from bot.service.base.config import FILE
from forge.run.async_work import run_interruptible

if TYPE_CHECKING:
    from bot.service.checkup.findings import CheckupFinding

app = typer.Typer(help="Make the GitHub App, and see what is wrong with it.", no_args_is_help=True)

BEGIN = """\
Open this page, on this machine, and press its button:

  {page}

From another machine, forward the port first: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"""
NEXT = """\
{name} (number {id}) is at {url}
Wrote {config}, and {folder} with its key and secrets, for you alone to read.

Next:
  1. bugfoundry serve --config {config}
     GitHub has to reach it at {hook}
  2. bugfoundry app check --config {config}
  3. install the App: {url}/installations/new
  4. make the label `bugfoundry` in a repository that it is installed on"""


@app.callback()
def app_group() -> None:
    """Make the GitHub App, and see what is wrong with it."""


@app.command("create")
def create_command(
    url: Annotated[
        str,
        typer.Option("--url", help="Where GitHub reaches the service, as https://bugs.example."),
    ],
    name: Annotated[
        str, typer.Option(help="The App's name; no other on that GitHub may have it.")
    ] = "bugfoundry",
    organization: Annotated[
        str, typer.Option(help="Whose App it is to be. [default: your own account's]")
    ] = "",
    public: Annotated[
        bool, typer.Option("--public", help="Let other accounts install it too.")
    ] = False,
    github_url: Annotated[
        str, typer.Option(help="The GitHub, as people read it; Enterprise Server: https://HOST.")
    ] = "https://github.com",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")
    ] = 0,
    config: Annotated[Path, typer.Option(help="The TOML file of settings to write.")] = Path(FILE),
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Write anew what is there; the old is kept beside it."),
    ] = False,
) -> None:
    """Make the GitHub App, with the least that it needs, and store its credentials.

    Shows a page on this machine with one button, which has GitHub make the App; needs no browser
    here. Writes the settings and, in files that you alone may read, the private key, the webhook
    secret and a token for the dashboard's actions.

    Example: bugfoundry app create --url https://bugs.example --organization acme
    """
    from bot.service.registration.creation import Made, create
    from bot.service.registration.credentials import CredentialPaths, keep, make_room
    from bot.service.registration.manifest import Wish, api_url, hook_url

    wish = Wish(
        name=name, public_url=url, web_url=github_url, organization=organization, public=public
    ).validate()
    api = api_url(wish.web_url)
    places = CredentialPaths(config=config)
    make_room(places, replace=replace)

    def store(made: Made) -> None:
        for kept in keep(places, made, wish, api_url=api):
            err.print(f"what was there is kept as {kept}", highlight=False, soft_wrap=True)

    def ready(page: str) -> None:
        number = page.split(":")[2].partition("/")[0]
        err.print(BEGIN.format(page=page, port=number), highlight=False, soft_wrap=True)

    made = run_interruptible(
        lambda: create(
            wish,
            api_url=api,
            keep=store,
            ready=ready,
            port=port,
        )
    )
    out.print(
        NEXT.format(
            name=made.name, id=made.id, url=made.url, config=config, folder=places.folder,
            hook=hook_url(wish.public_url),
        ),
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


@app.command("check")
def check_command(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong with the settings of the service and its App, and what to do.

    Looks at the secrets, the store, the sandbox; asks GitHub who the App is and what it may do;
    asks the service over its public address, as GitHub would. The exit code is 0 only when all is
    well.

    Example: bugfoundry app check --config bugfoundry.toml
    """
    from bot.service.base.config import load
    from bot.service.checkup.checks import check
    from bot.service.checkup.findings import is_healthy

    settings = load(config)
    findings: list[CheckupFinding] = []

    async def work() -> None:
        async for found in check(settings):
            findings.append(found)
            if not as_json:
                show(found)

    run_interruptible(work)
    if as_json:
        print_json({"ok": is_healthy(findings), "findings": [asdict(one) for one in findings]})
    if not is_healthy(findings):
        raise typer.Exit(1)


def show(found: CheckupFinding) -> None:
    """Print a line, and under it what to do."""
    style = {"ok": "green", "note": "yellow", "wrong": "bold red", "unknown": "magenta"}
    mark = f"[{style[found.verdict]}]{found.verdict:<7}[/]"
    out.print(f"{mark} {found.what:<15} {escape(found.said)}", highlight=False, soft_wrap=True)
    if found.do:
        out.print(f"{'':<24}→ {found.do}", highlight=False, markup=False, soft_wrap=True)
