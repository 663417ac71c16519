"""Where each page is."""

from __future__ import annotations

from aiohttp import web

from bot.service.pages import actions, login, queue, repositories, tasks, yields
from bot.service.pages.board import BOARD, Board
from bot.service.pages.headers import make_page_middleware
from bot.service.pages.renderer import STATIC, static

REPOSITORY = r"/repositories/{owner:[^/]+}/{name:[^/]+}"
JOB = r"/queue/{kind:[^/]+}/{subject:.+}"
FOR_GOOD = "public, max-age=31536000, immutable"

PAGES = {
    "/": repositories.show_repositories,
    REPOSITORY: repositories.show_repository,
    "/tasks": tasks.show_tasks,
    "/tasks/{id}": tasks.show_task,
    "/bugs/{id}": tasks.show_bug,
    "/yield": yields.show_yields,
    "/queue": queue.show_queue,
    "/deliveries": queue.show_deliveries,
    JOB: queue.show_job,
    "/login": login.show_login,
}
ACTIONS = {
    f"{JOB}/retry": actions.retry,
    f"{JOB}/cancel": actions.cancel,
    f"{REPOSITORY}/rebuild": actions.rebuild,
    f"{REPOSITORY}/stage": actions.stage,
    f"{REPOSITORY}/opt-out": actions.opt_out,
    f"{REPOSITORY}/allow": actions.allow,
    "/logout": login.log_out,
}


def add_pages(app: web.Application, board: Board) -> None:
    """Add the dashboard to an application. Raises ConfigError when the token could be guessed.

    Where no token is set there is nothing to be posted: no action exists.
    """
    app[BOARD] = board
    plain = {resource.canonical for resource in app.router.resources()}
    app.middlewares.append(make_page_middleware(plain))
    for path, handler in PAGES.items():
        app.router.add_get(path, handler)
    app.router.add_get("/static/{name}", serve_static)
    if board.sessions.possible:
        app.router.add_post("/login", login.log_in)
        for path, handler in ACTIONS.items():
            app.router.add_post(path, handler)


async def serve_static(request: web.Request) -> web.Response:
    """Serve a file as it is."""
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound
    return web.Response(
        body=static(name), content_type=STATIC[name], headers={"Cache-Control": FOR_GOOD}
    )
