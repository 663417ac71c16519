"""How the operator comes in and goes."""

from __future__ import annotations

import logging
import re

from aiohttp import web

from bot.service.pages.board import BOARD, Board, checked_form, is_same_origin, small_form
from bot.service.pages.renderer import render
from bot.service.pages.session import LASTS

log = logging.getLogger(__name__)

OURS = re.compile(r"/(?![/\\])[!-~]*")
"""An address of this service: a browser reads ``//host`` and ``/\\host`` as another's."""
WRONG = "That is not the operator's token."
TOO_OFTEN = "Too many wrong tokens came from your address. Try again in {minutes} min."


async def show_login(request: web.Request) -> web.Response:
    """Show the form."""
    if not request.app[BOARD].sessions.possible:
        raise web.HTTPNotFound
    return render(request, "login.html", told="", after=_after(request.query.get("after", "")))


async def log_in(request: web.Request) -> web.Response:
    """Open a session for who brings the token."""
    board = request.app[BOARD]
    if not board.sessions.possible:
        raise web.HTTPNotFound
    if not is_same_origin(request):
        raise web.HTTPForbidden(text="log in from this site's own page")
    given = await small_form(request)
    after, address = _after(given.get("after", "")), request.remote or ""
    wait = board.sessions.tries.seconds_to_wait(address)
    if wait:
        told = TOO_OFTEN.format(minutes=max(1, round(wait / 60)))
        answer = render(request, "login.html", status=429, told=told, after=after)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    if not board.sessions.is_token(given.get("token", "").strip()):
        board.sessions.tries.note_failure(address)
        log.warning("operator token wrong from=%s", address)
        return render(request, "login.html", status=403, told=WRONG, after=after)
    log.info("operator logged in from=%s", address)
    response = web.Response(status=303, headers={"Location": after})
    _set_cookie(board, response, board.sessions.open())
    return response


async def log_out(request: web.Request) -> web.Response:
    """End the session."""
    session, _ = await checked_form(request)
    board = request.app[BOARD]
    board.sessions.close(session)
    response = web.Response(status=303, headers={"Location": "/"})
    response.del_cookie(
        board.cookie, path="/", secure=board.secure, httponly=True, samesite="Strict"
    )
    return response


def _set_cookie(board: Board, response: web.Response, value: str) -> None:
    response.set_cookie(
        board.cookie,
        value,
        max_age=int(LASTS),
        path="/",
        secure=board.secure,
        httponly=True,
        samesite="Strict",
    )


def _after(address: str) -> str:
    return address if OURS.fullmatch(address) else "/"
