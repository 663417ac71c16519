"""The repository's own file and the command line's options."""

from __future__ import annotations

import pytest

from harness.detect.config import Overrides, merge, parse_config, read_config
from storage.errors import ConfigError
from tests.harness.trees import MemoryTree


def error(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode())
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(".github/bugfoundry.yml: ")
    return message.partition(": ")[2]


def test_every_key_is_read() -> None:
    text = """
    python: "3.12"
    install: ["-e '.[a, b]'", "-r dev.txt"]
    pytest_args: -m 'not slow' tests
    env: {TZ: UTC}
    exclude: ["pkg/_vendor/**"]
    """
    tree = MemoryTree({".github/bugfoundry.yml": text})
    assert read_config(tree) == Overrides(
        python="3.12",
        install=(("-e", ".[a, b]"), ("-r", "dev.txt")),
        pytest_args=("-m", "not slow", "tests"),
        env=(("TZ", "UTC"),),
        exclude=("pkg/_vendor/**",),
    )


def test_pytest_arguments_may_be_a_list() -> None:
    assert parse_config(b"pytest_args: [-k, a b]").pytest_args == ("-k", "a b")


def test_no_file_decides_nothing() -> None:
    assert read_config(MemoryTree({})) == Overrides()


def test_an_empty_file_decides_nothing() -> None:
    assert parse_config(b"# nothing yet\n") == Overrides()


def test_an_unknown_key_is_named_with_the_allowed_ones() -> None:
    message = error("instal: []")
    assert message == (
        "unknown key 'instal'; allowed are env, exclude, install, pytest_args, python, report, "
        "strategies, subdirectory"
    )


def test_what_concerns_the_app_is_checked_and_decides_nothing_here() -> None:
    assert parse_config(b"report: check\nstrategies: [mirror]") == Overrides()
    assert error("report: email") == "'report' must be 'issue' or 'check' or 'none', not 'email'"
    assert error("strategies: [mirror, magic]").startswith("'strategies[1]' must be 'mirror' or ")


def test_a_number_as_python_asks_for_quotes() -> None:
    assert error("python: 3.12") == "'python' must be a string (quote it), not 3.12"


def test_a_python_that_is_no_version_is_refused() -> None:
    assert error("python: latest") == "'python' must be a version as \"3.12\", not 'latest'"


def test_a_string_instead_of_a_list_is_refused() -> None:
    assert error("install: -e .") == "'install' must be a list of strings, not '-e .'"


def test_a_wrong_item_is_named_by_its_place() -> None:
    assert error("install: [x, 3]") == "'install[1]' must be a string (quote it), not 3"


def test_a_wrong_value_in_env_is_named_by_its_key() -> None:
    assert error("env: {DEBUG: 1}") == "'env.DEBUG' must be a string (quote it), not 1"


def test_a_name_in_env_that_is_no_variable_is_refused() -> None:
    assert "'A-B'" in error("env: {A-B: x}")


def test_a_file_that_is_no_map_is_refused() -> None:
    assert error("- a") == "the file must hold a map of keys to values, not ['a']"


def test_a_quote_left_open_names_the_step() -> None:
    assert error('install: ["-e \'."]').startswith("install[0]")


def test_broken_yaml_says_where() -> None:
    assert error("env: {a: b").startswith("not valid YAML at line 1, column 11")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ConfigError, match="not valid YAML"):
        parse_config(b"\xff\xfe\x00")


def test_options_go_over_the_file_and_excludes_add_up() -> None:
    file = Overrides(python="3.11", env=(("A", "1"), ("B", "1")), exclude=("a",))
    options = Overrides(python="3.12", env=(("B", "2"),), exclude=("b",))
    assert merge(file, options) == Overrides(
        python="3.12", env=(("A", "1"), ("B", "2")), exclude=("a", "b")
    )


def test_an_empty_option_replaces_the_file() -> None:
    assert merge(Overrides(pytest_args=("x",)), Overrides(pytest_args=())).pytest_args == ()


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("pkg/_vendor/**", "pkg/_vendor/a/b.py", True),
        ("pkg/_vendor", "pkg/_vendor/a.py", True),
        ("pkg/*.py", "pkg/a.py", True),
        ("pkg/*.py", "pkg/sub/a.py", False),
        ("**/gen_*.py", "pkg/sub/gen_a.py", True),
        ("**/gen_*.py", "gen_a.py", True),
        ("_version.py", "pkg/_version.py", True),
        ("/_version.py", "pkg/_version.py", False),
        ("pkg/a?.py", "pkg/ab.py", True),
        ("pkg/a.py", "pkg/abpy", False),
    ],
)
def test_globs_cover_paths_as_in_ignore_files(pattern: str, path: str, covered: bool) -> None:
    assert Overrides(exclude=(pattern,)).excludes(path) is covered
