"""REST: an App's webhook and its deliveries."""

from __future__ import annotations

import re
from typing import Any

from tests.furniture.github_world.clock import moment_text
from tests.furniture.github_world.hooks import Delivery
from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rest import AS_APP, Missing, Reply, error, route
from tests.furniture.github_world.rest_apps import app_of
from tests.furniture.github_world.view import View

CONFIG = "/app/hook/config"
DELIVERIES = "/app/hook/deliveries"


@route("GET", CONFIG, needs=AS_APP)
def config(view: View, _: Operation) -> Reply:
    app = app_of(view)
    body = {"content_type": app.content_type, "insecure_ssl": "0", "url": app.hook_url}
    return Reply(200, {**body, "secret": "********"} if app.webhook_secret else body)


@route("PATCH", CONFIG, needs=AS_APP)
def change(view: View, operation: Operation) -> Reply:
    app, asked = app_of(view), operation.body or {}
    app.hook_url = asked.get("url", app.hook_url)
    app.content_type = asked.get("content_type", app.content_type)
    app.webhook_secret = asked.get("secret", app.webhook_secret)
    return config(view, operation)


@route("GET", DELIVERIES, needs=AS_APP)
def deliveries(view: View, operation: Operation) -> Reply:
    query = operation.query
    shown = view.world.hooks.kept(app_of(view))
    if "status" in query:
        good = query["status"] == "success"
        shown = [one for one in shown if (200 <= one.code < 300) == good]
    if "cursor" in query:
        place = re.fullmatch(r"v1_(\d+)", query["cursor"])
        if place is None:
            return error(422, "Invalid cursor")
        # By place, not by number: deliveries that are sent side by side end in any order.
        begins = [at for at, one in enumerate(shown) if one.id == int(place[1])]
        shown = shown[begins[0] :] if begins else []
    page, rest = shown[: query["per_page"]], shown[query["per_page"] :]
    headers = {}
    if rest:
        status = f"&status={query['status']}" if "status" in query else ""
        url = f"{view.world.api}{DELIVERIES}?per_page={query['per_page']}{status}"
        headers = {"Link": f'<{url}&cursor=v1_{rest[0].id}>; rel="next"'}
    return Reply(200, [_item(one) for one in page], headers)


@route("GET", DELIVERIES + "/{delivery_id}", needs=AS_APP)
def delivery(view: View, operation: Operation) -> Reply:
    one = _delivery(view, operation)
    body = {
        **_item(one),
        "url": one.app.hook_url,
        "request": {"headers": dict(one.headers), "payload": one.payload},
        "response": {"headers": dict(one.answer_headers), "payload": one.answer},
    }
    return Reply(200, body)


@route("POST", DELIVERIES + "/{delivery_id}/attempts", needs=AS_APP)
def attempt(view: View, operation: Operation) -> Reply:
    view.world.hooks.redeliver(_delivery(view, operation))
    return Reply(202, {})


def _item(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": moment_text(one.sent),
        "redelivery": one.redelivery,
        "duration": one.duration,
        "status": one.status,
        "status_code": one.code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }


def _delivery(view: View, operation: Operation) -> Delivery:
    number = int(operation.arguments["delivery_id"])
    for one in view.world.hooks.kept(app_of(view)):
        if one.id == number:
            return one
    raise Missing
