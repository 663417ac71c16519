"""PyGithub, made to leave waiting and retrying to our client."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

import github
import requests
from github import Auth, Github, GithubException

from mirror.github.answers import LOST, Answer

TIMEOUT = 60

T = TypeVar("T")


def make_pygithub(base_url: str, token: str | None, *, user_agent: str) -> Github:
    """Return a ``Github`` that neither retries, nor sleeps between requests, nor logs."""
    # By default it retries POST, sleeps in its thread until a limit resets, and writes addresses
    # it is led to (and, when debugging, what it reads) to the standard error.
    logging.getLogger(github.__name__).setLevel(logging.WARNING)
    return Github(
        auth=Auth.Token(token) if token else None,
        base_url=base_url,
        user_agent=user_agent,
        timeout=TIMEOUT,
        # requests reads only a variable of its own for the bundle of a corporate proxy.
        verify=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True,
        per_page=100,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


def tried(pygithub: Github, call: Callable[[Any], T], values: list[T]) -> Answer:
    """Run a call, put what it returns into ``values``, and return the answer that it got."""
    try:
        values.append(call(pygithub))
    except GithubException as error:
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        return Answer(status=error.status, headers=headers, data=error.data)
    except (requests.RequestException, OSError):
        return Answer(status=LOST, headers={})
    except RuntimeError:
        # It follows redirections only on the host it was made for.
        return Answer(status=301, headers={}, data={"message": "moved to another host"})
    return Answer(status=200, headers={}, data={})
