"""PyGithub, made to leave waiting, retrying, counting and its token to our client."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import github
import requests
from github import Auth, Github, GithubException

from mirror.github.answers import LOST, Answer
from mirror.github.wire import USER_AGENT

TIMEOUT = 60

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """One call into PyGithub: its token, and how many requests it came to."""

    token: str | None
    before_retry: Callable[[], None]
    requests: int = 0


CALL: ContextVar[Call] = ContextVar("call")
"""That of the thread we are in."""


class Present(Auth.Auth):
    """The token of the call under way. It is asked for before every request, so it also sees to it
    that those after the first keep to our pace."""

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        return CALL.get().token or ""

    def authentication(self, headers: dict[str, Any]) -> None:
        call = CALL.get()
        call.requests += 1
        if call.requests > 1:
            call.before_retry()
        if call.token:
            super().authentication(headers)


class PyGithub:
    """PyGithub on one GitHub, in threads."""

    def __init__(self, base_url: str) -> None:
        self._github = _make_client(base_url)

    def close(self) -> None:
        self._github.close()

    def run_call(
        self,
        token: str | None,
        call: Callable[[Any], T],
        values: list[T],
        before_retry: Callable[[], None],
    ) -> Answer:
        """Run a call, put what it returns into ``values``, and return the answer that it got.

        ``another`` is called before each request after the first, and may wait.
        """
        CALL.set(Call(token, before_retry))
        try:
            values.append(call(self._github))
        except GithubException as error:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            return Answer(status=error.status, headers=headers, data=error.data)
        except (requests.RequestException, OSError):
            return Answer(status=LOST, headers={})
        except RuntimeError:
            # It follows redirections only on the host it was made for.
            return Answer(status=301, headers={}, data={"message": "moved to another host"})
        return Answer(status=200, headers={}, data={})


def _make_client(base_url: str) -> Github:
    """Return a ``Github`` that neither retries, nor sleeps between requests, nor logs."""
    # By default it retries POST, sleeps in its thread until a limit resets, and writes addresses
    # it is led to (and, when debugging, what it reads) to the standard error.
    logging.getLogger(github.__name__).setLevel(logging.WARNING)
    return Github(
        auth=Present(),
        base_url=base_url,
        user_agent=USER_AGENT,
        timeout=TIMEOUT,
        # requests reads only a variable of its own for the bundle of a corporate proxy.
        verify=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True,
        per_page=100,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
