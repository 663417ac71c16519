"""Settings come from one file and from variables, and each mistake is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.service.base.config import load, secret, settings, variable
from storage.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bugfoundry.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}).serve.port == 8080


def test_a_variable_is_stronger_than_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[serve]\nport = 1\nhost = '::1'\n[limits]\nmonth_dollars = 3\n")
    environ = {"BUGFOUNDRY_SERVE_PORT": "2", "BUGFOUNDRY_WORK_STRATEGIES": "mirror, combine"}

    found = load(path, environ)

    assert (found.serve.port, found.serve.host, found.limits.month_dollars) == (2, "::1", 3.0)
    assert found.work.proposals.names == ("mirror", "combine")


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [variable(table, name) for table, name in settings()]
    assert len(names) == len(set(names)) > 20


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[serve]\nprot = 1\n", "prot"),
        ("[serve]\nport = 'many'\n", "serve.port"),
        ("[serve]\nport = 70000\n", "serve.port"),
        ("[server]\n", "server"),
        ("port = 1\n", "outside a table"),
        ("[serve\n", "no TOML"),
        ("[work]\nstrategies = ['magic']\n", "work.strategies"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(written(tmp_path, text), {})


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_a_secret_is_in_a_variable_or_in_a_file_never_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("from file\n")

    assert secret("webhook_secret", str(tmp_path / "hook"), {}) == "from file"
    variables = {"BUGFOUNDRY_WEBHOOK_SECRET": "from variable"}
    assert secret("webhook_secret", str(tmp_path / "hook"), variables) == "from variable"
    with pytest.raises(ConfigError, match="cannot be read"):
        secret("webhook_secret", str(tmp_path / "none"), {})
