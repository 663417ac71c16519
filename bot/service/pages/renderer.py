"""Templates to pages. Every value is escaped, and made visible, whatever a template does."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.service.pages import display
from bot.service.pages.board import BOARD, session_of
from bot.service.pages.filters import (
    address,
    choices_of,
    make_counted_options,
    make_options,
    page_address,
)

STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}


def static(name: str) -> bytes:
    """Return the content of a file that is served as it is."""
    return files(__package__).joinpath("static", name).read_bytes()


def version(name: str) -> str:
    """Return what changes when a file does, so that browsers may keep it for good."""
    return sha256(static(name)).hexdigest()[:12]


def finalize_value(value: object) -> object:
    """Return a value as it is put into a page, before it is escaped."""
    if value is None:
        return ""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return display.visible(value)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("cut", "instant", "machine_time", "day", "duration", "count", "percent",
                 "money", "size", "short"):  # fmt: skip
        environment.filters[name] = getattr(display, name)
    environment.globals.update(
        address=address,
        choices_of=choices_of,
        named=make_options,
        tallied=make_counted_options,
        static={name: f"/static/{name}?v={version(name)}" for name in STATIC},
    )
    return environment


TEMPLATES = _environment()


def render(
    request: web.Request, template: str, *, status: int = 200, **values: Any
) -> web.Response:
    """Return a page."""
    board = request.app[BOARD]
    session = session_of(request)
    body = TEMPLATES.get_template(template).render(
        ago=partial(display.ago, now=board.clock()),
        session=session,
        csrf=session.csrf if session else "",
        can_log_in=board.sessions.possible,
        path=request.path,
        here=request.path_qs,
        here_path=request.rel_url.raw_path,
        turned=partial(page_address, request),
        web_url=board.web_url.rstrip("/"),
        **values,
    )
    return web.Response(text=body, status=status, content_type="text/html")
