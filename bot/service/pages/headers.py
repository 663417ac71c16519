"""What every answer has: headers that keep browsers from harm, and errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Container

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.service.pages.renderer import render
from storage.errors import StoreError
from storage.views.query import TooSlow

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # Not `no-referrer`: browsers would then hide from us where a form comes from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "X-Robots-Tag": "noindex, nofollow",
}
ERROR_TEXTS = {
    403: ("Not allowed", ""),
    404: ("Not found", "There is no such page, or it is not shown to everybody."),
    405: ("Not allowed", "That cannot be done with this page."),
    413: ("Too large", "That is larger than any form here."),
    503: ("Not now", ""),
}


def make_page_middleware(plain: Container[str]) -> Middleware:
    """Return what dresses all answers; those at ``plain`` addresses keep their own errors."""

    @web.middleware
    async def add_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in plain:
            return await handler(request)
        response = await _answer_page(request, handler)
        # Pages differ by who looks: nothing between us and a browser may keep one.
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.update(HEADERS)
        return response

    return add_headers


async def _answer_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a page, or an error as a page."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return render_error(
            request, error.status, (error.text or "") if error.status == 403 else ""
        )
    except TooSlow as error:
        log.warning("page too slow path=%s", request.path)
        return render_error(request, 503, f"{error}.")
    except StoreError as error:
        log.error("page failed path=%s error=%r", request.path, str(error))
        return render_error(request, 503, "The store cannot be read just now. Try again.")


def render_error(request: web.Request, status: int, message: str = "") -> web.Response:
    """Return the page of an error."""
    title, usual = ERROR_TEXTS.get(status, ("That did not work", ""))
    return render(request, "error.html", status=status, title=title, told=message or usual)
