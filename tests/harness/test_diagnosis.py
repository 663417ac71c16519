"""Reading a failure: the words of resolvers, compilers, Python and pytest."""

from __future__ import annotations

import pytest

from harness.environments.diagnosis import (
    describe_finding,
    diagnose,
    load_debian_packages,
    set_aside_for,
    system_packages,
)

INSTALL_LOGS = [
    ("m.c:1:10: fatal error: ffi.h: No such file or directory", "missing-header", "ffi.h"),
    ("src/x.c:3:10: fatal error: 'yaml.h' file not found", "missing-header", "yaml.h"),
    ("ModuleNotFoundError: No module named 'numpy'", "missing-build-module", "numpy"),
    ("error: The dependency group 'nope' was not found in the project", "missing-group", "nope"),
    ("error: File not found: nope.txt", "missing-file", "nope.txt"),
    ("Because nosuch was not found in the package registry", "missing-distribution", "nosuch"),
    ("error: Failed to build `psycopg2==2.9.1`", "not-built", "psycopg2"),
    (
        "we can conclude that your requirements are unsatisfiable.",
        "version-conflict",
        "your requirements are unsatisfiable",
    ),
    (
        "Because the current Python version (3.11.7) does not satisfy Python>=3.13 and",
        "wrong-python",
        ">=3.13",
    ),
    ("Error: pg_config executable not found.", "missing-command", "pg_config"),
    ("/bin/sh: 1: mysql_config: not found", "missing-command", "mysql_config"),
    ("error: command 'gcc' failed: No such file or directory", "missing-command", "gcc"),
    ("Package libffi was not found in the pkg-config search path.", "missing-pkgconfig", "libffi"),
    (
        "error: Failed to fetch: `https://pypi.org/simple/x/`",
        "index-unreachable",
        "Failed to fetch",
    ),
]
TEST_LOGS = [
    ("E   ModuleNotFoundError: No module named 'yaml'", "missing-module", "yaml"),
    ("ImportError: libGL.so.1: cannot open shared object file", "missing-library", "libGL.so.1"),
    (
        "ImportError: cannot import name 'Mapping' from 'collections' (/usr/x.py)",
        "changed-dependency",
        "collections",
    ),
    ("AttributeError: module 'numpy' has no attribute 'int'", "changed-dependency", "numpy"),
    ("error: E  fixture 'mocker' not found", "missing-fixture", "mocker"),
    (
        "pytest: error: unrecognized arguments: --asyncio-mode=auto",
        "unknown-option",
        "--asyncio-mode",
    ),
    ("'asyncio' not found in `markers` configuration option", "unknown-mark", "asyncio"),
    ("failed: async def functions are not natively supported.", "async-tests", ""),
    (
        "E   DeprecationWarning: The anyio.abc.BlockingPortal alias is deprecated",
        "warning-as-error",
        "DeprecationWarning",
    ),
    (
        "E   pytest.PytestUnknownMarkWarning: Unknown",
        "warning-as-error",
        "PytestUnknownMarkWarning",
    ),
    ("FileNotFoundError: [Errno 2] No such file or directory: 'git'", "missing-command", "git"),
    (
        "FileNotFoundError: [Errno 2] No such file or directory: 'tests/data/x.json'",
        "missing-file",
        "tests/data/x.json",
    ),
    ("error: PermissionError: [Errno 1] Operation not permitted", "needs-root", ""),
]


@pytest.mark.parametrize(("line", "kind", "subject"), INSTALL_LOGS)
def test_what_an_installation_says(line: str, kind: str, subject: str) -> None:
    found = diagnose("install-failed", f"Resolved 3 packages\n  {line}\n")
    assert (found[0].kind, found[0].subject) == (kind, subject)


@pytest.mark.parametrize(("line", "kind", "subject"), TEST_LOGS)
def test_what_tests_say(line: str, kind: str, subject: str) -> None:
    found = diagnose("too-few-pass", line)
    assert found[0].kind == kind
    assert subject in found[0].subject


def test_what_many_tests_say_comes_first() -> None:
    detail = "1 x ModuleNotFoundError: No module named 'a'\n40 x fixture 'mocker' not found"
    assert [f.kind for f in diagnose("too-few-pass", detail)] == [
        "missing-fixture",
        "missing-module",
    ]
    assert diagnose("too-few-pass", detail)[0].count == 40


def test_a_log_that_says_nothing_known_has_no_finding() -> None:
    assert diagnose("too-few-pass", "assert 1 == 2\n30 of 40 tests pass") == ()


@pytest.mark.parametrize(
    "detail",
    [
        "INTERNALERROR> boom\n/testbed/tests/test_gui.py:3: SystemExit: 1",
        'INTERNALERROR>   File "/x/w00/tree/tests/test_gui.py", line 3, in <module>\n'
        "INTERNALERROR> SystemExit: 3",
        "tests/test_gui.py:3: in <module>\n!!!! _pytest.outcomes.Exit: no display !!!!",
    ],
)
def test_a_module_that_ends_pytest_is_named(detail: str) -> None:
    found = diagnose("no-tests", detail)
    assert ("bad-module", "tests/test_gui.py") in [(f.kind, f.subject) for f in found]


@pytest.mark.parametrize(
    "detail",
    [
        "socket.gaierror: [Errno -3] Temporary failure in name resolution",
        "requests.exceptions.ConnectionError: HTTPSConnectionPool: Max retries exceeded with url",
        "OSError: [Errno 101] Network is unreachable",
        "urllib.error.URLError: <urlopen error [Errno -3]>",
        "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host example.com:443",
    ],
)
def test_a_test_that_wants_the_network_is_known_by_its_failure(detail: str) -> None:
    assert set_aside_for(detail) == "needs-network"


@pytest.mark.parametrize(
    "detail",
    [
        "AssertionError: assert 3 == 4",
        "ValueError: host must not be empty",
        "ImportError: cannot import name 'ConnectError' from 'httpx'",
        "AttributeError: module 'urllib3' has no attribute 'NewConnectionError'",
        "",
    ],
)
def test_an_ordinary_failure_is_no_reason_to_set_a_test_aside(detail: str) -> None:
    assert set_aside_for(detail) is None


def test_a_missing_header_names_the_debian_packages() -> None:
    (finding,) = diagnose("install-failed", "x.c:1: fatal error: libpq-fe.h: No such file")
    assert system_packages(finding) == ("libpq-dev",)
    assert describe_finding(finding) == "the header libpq-fe.h is missing (Debian: libpq-dev)"


def test_every_package_of_the_table_is_a_debian_name() -> None:
    names = {
        name
        for rows in load_debian_packages().values()
        for names in rows.values()
        for name in names
    }
    assert all(name == name.lower() and " " not in name for name in names)


@pytest.mark.parametrize("reason", ["python-unavailable", "no-base-image"])
def test_before_a_test_has_run_none_needs_the_network(reason: str) -> None:
    assert diagnose(reason, "dns error: Temporary failure in name resolution") == ()


@pytest.mark.parametrize(
    "line",
    [
        "Python 3.13 is not installed, and uv cannot download it",
        "the plan wants 3.13, and its image cannot be pulled",
        "the base image has Python 3.11.2, the plan wants 3.13, and uv cannot download it; name",
    ],
)
def test_a_python_that_cannot_be_had_is_named(line: str) -> None:
    (found,) = diagnose("python-unavailable", f"error: dns error\n{line}")
    assert (found.kind, found.subject) == ("missing-python", "3.13")
