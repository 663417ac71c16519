"""REST: rate limits, and what GitHub says of itself."""

from __future__ import annotations

from tests.furniture.github_world.openapi import Operation
from tests.furniture.github_world.rates import Rate
from tests.furniture.github_world.rest import ANYBODY, Reply, route
from tests.furniture.github_world.view import View


def rate_of(view: View, resource: str) -> Rate:
    """Return the rate that holds for a token."""
    rates, now = view.world.rates, view.world.clock.now
    if view.grant is None:
        return rates.of(view.key, resource, now=now)
    one = view.grant.installation
    held = len(view.world.covered(one))
    return rates.of(view.key, resource, now=now, repositories=held, usual=one.hourly)


@route("GET", "/rate_limit", needs=ANYBODY)
def rate_limit(view: View, _: Operation) -> Reply:
    def told(resource: str) -> dict[str, int]:
        rate = rate_of(view, resource)
        return {
            "limit": rate.limit,
            "used": rate.used,
            "remaining": rate.remaining,
            "reset": int(rate.reset),
        }

    example = view.world.descriptions.openapi.example("rate-limit-overview", "rate-limit-overview")
    resources = {**example["resources"], "core": told("core"), "graphql": told("graphql")}
    return Reply(200, {"resources": resources, "rate": resources["core"]})


@route("GET", "/meta", needs=ANYBODY)
def meta(view: View, _: Operation) -> Reply:
    body = view.world.descriptions.openapi.example("api-overview", "api-overview")
    # The example has numbers there, the schema texts.
    keys = body["ssh_key_fingerprints"]
    return Reply(200, {**body, "ssh_key_fingerprints": {k: str(v) for k, v in keys.items()}})
