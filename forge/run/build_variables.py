"""The host's environment variables that builds of environments are given."""

from __future__ import annotations

import os
from collections.abc import Mapping

PASSED_TO_BUILDS = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
"""Of the host's variables, what a build sees: certificates, package index and proxy."""


def build_env(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the part of the host's environment variables that builds are given."""
    environ = os.environ if environ is None else environ
    return {name: environ[name] for name in PASSED_TO_BUILDS if name in environ}
