"""Run git cut off from the host: none of its variables, settings, hooks, filters or prompts."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from storage.errors import SourceError
from storage.whole_files import make_once

KEPT_VARIABLES = frozenset({"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY"})
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
    "core.quotePath": "false",
    "core.protectNTFS": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",
    "init.defaultBranch": "main",
    "commit.gpgSign": "false",
    "protocol.ext.allow": "never",
}


class GitError(SourceError):
    """Git refused; the message is its own last word, in one line, without secrets."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables git is run with."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in KEPT_VARIABLES
    }
    if bundle := os.environ.get("SSL_CERT_FILE"):
        kept.setdefault("GIT_SSL_CAINFO", bundle)
    return {
        **kept,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
        **(extra or {}),
    }


def git(
    *arguments: str | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> bytes:
    """Run git and return what it printed. Raises GitError when it fails, or takes too long."""
    return git_streams(*arguments, cwd=cwd, stdin=stdin, env=env, timeout=timeout)[0]


def git_streams(
    *arguments: str | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> tuple[bytes, bytes]:
    """Run git and return what it printed and what it complained of. Raises GitError."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command: Sequence[str | Path] = ["git", *settings, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            input=stdin,
            env=environment(env),
            capture_output=True,
            check=False,
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise GitError("git was not found; install git and put it on the PATH") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} took more than {timeout:.0f} seconds") from error
    if done.returncode:
        raise GitError(_last_word(done.stderr) or f"git {arguments[0]} failed")
    return done.stdout, done.stderr


def init_bare(git_dir: Path) -> None:
    """Have a bare repository in a folder, made whole where it is not there. Raises OSError."""
    make_once(
        git_dir,
        lambda part: git("init", "--quiet", "--bare", "--template=", part),
        folder=True,
        is_made=lambda place: (place / "HEAD").exists(),
    )


def line(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run git and return the one line it printed."""
    return git(*arguments, cwd=cwd).decode("utf-8", "surrogateescape").strip()


def _last_word(stderr: bytes) -> str:
    lines = [text for text in stderr.decode("utf-8", "replace").splitlines() if text.strip()]
    marked = [text for text in lines if text.startswith(("fatal:", "error:"))]
    word = (marked or lines or [""])[0]
    word = re.sub(r"^(fatal|error): ", "", word)
    return re.sub(r"://[^/@\s]+@", "://", word).strip()
