"""Read a failure: what the end of a log, or the failing tests, say is wrong. Pure.

A finding names its kind and its subject (a module, a header, an option …). The patterns are of
the messages of pip's and uv's resolvers, of compilers, of Python and of pytest.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal[
    "async-tests",
    "bad-module",
    "build-reaches-web",
    "changed-dependency",
    "index-unreachable",
    "missing-build-module",
    "missing-command",
    "missing-distribution",
    "missing-extra",
    "missing-file",
    "missing-fixture",
    "missing-group",
    "missing-header",
    "missing-library",
    "missing-module",
    "missing-pkgconfig",
    "missing-python",
    "needs-network",
    "needs-root",
    "newer-test-tool",
    "not-built",
    "unknown-mark",
    "unknown-option",
    "unreachable-repository",
    "version-conflict",
    "warning-as-error",
    "wrong-python",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFinding:
    """One thing that is wrong, and how many lines said so."""

    kind: Kind
    subject: str
    count: int = 1


ANY_PHASE: tuple[tuple[Kind, str], ...] = (
    ("missing-header", r"fatal error: '?([\w./+-]+\.(?:h|hpp|hh))'?(?: file not found|: No such)"),
    ("missing-library", r"(?:ImportError|OSError): (lib[\w.+-]+?\.so[\d.]*): cannot open shared"),
    ("missing-library", r"cannot load library '(lib[\w.+-]+)'"),
    ("missing-library", r"OSError: no library called \"?([\w.+-]+)"),
    ("missing-library", r"ImportError: failed to find (libmagic)"),
    ("missing-library", r"/ld: cannot find -l([\w.+-]+)"),
    (
        "missing-pkgconfig",
        r"Package '?([\w.+-]+?)'?,? (?:required by \S+, not|was not) found",
    ),
    ("missing-pkgconfig", r"Dependency \"?([\w.+-]+)\"? not found"),
    ("missing-command", r"(?:FileNotFoundError|OSError): \[Errno 2\] [^']*'([\w+-]+)'(?!/)"),
    ("missing-command", r"sh: (?:line )?\d*:? ?([\w+-]+): (?:command )?not found"),
    ("missing-command", r"error: command '([\w+-]+)' failed: No such file"),
    (
        "missing-command",
        r"Could(?: not|n't) find (?:program |executable )?'?(cmake|ninja|cargo|pg_config)",
    ),
    (
        "missing-command",
        r"(pg_config|mysql_config|cargo|cmake|swig|ninja) (?:executable |is )?not found",
    ),
    ("missing-command", r"(?:is|have) the (?:Rust|`(cargo))"),
    ("missing-command", r"Unknown compiler\(s\): \[\['(cc)'"),
    ("missing-module", r"ModuleNotFoundError: No module named '([\w.]+)'"),
    ("missing-module", r"could not import '([\w.]+)'"),
    ("missing-module", r"Error importing plugin \"([\w.]+)\": No module named"),
    ("wrong-python", r"does not satisfy Python([<>=!~][^\s,]+(?:,[<>=!~][^\s,]+)*)"),
    ("wrong-python", r"requires a different Python: \S+ not in '([^']+)'"),
)
INSTALLING: tuple[tuple[Kind, str], ...] = (
    ("missing-group", r"dependency group '([^']+)' was not found"),
    ("missing-extra", r"does not have an extra named `([^`]+)`"),
    ("missing-file", r"File not found: (\S+)"),
    ("unreachable-repository", r"unable to access '([^']+)'"),
    ("unreachable-repository", r"Failed to clone (\S+)"),
    (
        "index-unreachable",
        r"(Failed to fetch|Request failed after|error sending request|dns error)",
    ),
    ("missing-distribution", r"Because ([\w.-]+) was not found in the package registry"),
    ("not-built", r"Failed to (?:download and )?build `([\w.-]+)"),
    ("version-conflict", r"(your requirements are unsatisfiable|ResolutionImpossible)"),
)
TESTING: tuple[tuple[Kind, str], ...] = (
    ("changed-dependency", r"ImportError: cannot import name '[^']+' from '([\w.]+)'"),
    ("changed-dependency", r"AttributeError: .{0,30}module '([\w.]+)' has no attr"),
    ("changed-dependency", r"TypeError: \S+ got an unexpected keyword argument '([^']+)'"),
    ("changed-dependency", r"AttributeError: '(\w+)' object has no attribute"),
    ("missing-fixture", r"fixture '(\w+)' not found"),
    ("unknown-option", r"unrecognized arguments: (-[\w-]+)"),
    ("unknown-option", r"no such option: (-[\w-]+)"),
    ("unknown-mark", r"'(\w+)' not found in `markers`"),
    ("unknown-mark", r"Unknown pytest\.mark\.(\w+)"),
    ("async-tests", r"(async def functions are not natively supported)"),
    ("async-tests", r"(requested an async fixture)"),
    ("warning-as-error", r"(?:^|[\s.])([A-Z]\w+Warning)(?::|$)"),
    ("missing-file", r"FileNotFoundError: \[Errno 2\] [^']*'([^']*[./][^']*)'"),
)  # fmt: skip
TEST_TOOLS: tuple[tuple[str, str], ...] = (
    ("pytest<{0}", r"PytestRemovedIn(\d+)Warning: "),
    ("pytest", r"has no attribute '?PytestRemovedIn\d+Warning"),
    ("pytest", r"PluginValidationError: unknown hook|unknown hook 'pytest_\w+' in plugin"),
    ("pytest", r"Argument\(s\) .* declared in the hookimpl but can not be found in the hookspec"),
    ("pytest", r"Marks (?:applied to|cannot be applied to) fixtures"),
    (
        "pytest-asyncio",
        r"ScopeMismatch: .*fixture '?(?:_function_scoped_runner|_function_event_loop|event_loop)\b",
    ),
    ("pytest-asyncio", r"module 'pytest_asyncio\S*' has no attr"),
)
"""Messages of pytest and its plugins that only a later major gives, and whose major it is."""
NETWORK = re.compile(
    r"gaierror|Temporary failure in name resolution|Name or service not known|"
    r"Network is unreachable|NameResolutionError|nodename nor servname|"
    r"Max retries exceeded|Cannot connect to host|ConnectError|URLError|"
    r"\[Errno -[235]\]|getaddrinfo failed|NewConnectionError|No address associated with hostname|"
    r"Could not resolve host"
)
ROOT = re.compile(
    r"(?:PermissionError: \[Errno 1\]|must be (?:run as )?root|[Rr]oot (?:privileges|permission)|"
    r"requires? root|Operation not permitted|are you root)"
)
NAMES_ONLY = re.compile(r"(?:ImportError|ModuleNotFoundError|NameError|AttributeError): ")
"""Failures that may name an exception of the network's, and come of no connection."""
BEFORE_ALL = frozenset(
    {"python-unavailable", "no-base-image", "same-environment", "no-fewer-skips", "fewer-serve"}
)
"""Reasons whose logs are neither of an installation nor of tests."""
TREE_PATH = re.compile(
    r"(?:^|[\s\"]|/tree/|/testbed/)((?:[\w.-]+/)*(?:test\w*|\w+_test|conftest)\.py)"
    r"(?::\d+|\", line \d+)"
)


def diagnose(reason: str, detail: str) -> tuple[LogFinding, ...]:
    """Return what a failure says, the most often said first.

    ``reason`` is that of ``BuildFailed``: it tells whether the log is of an installation, of
    tests, or of neither: only tests that ran can need the network. A line counts once for each
    kind.
    """
    if reason in BEFORE_ALL:
        return find_missing_pythons(detail)
    installing = reason in ("install-failed", "timeout-installing")
    found: Counter[tuple[Kind, str]] = Counter()
    for line in detail.splitlines():
        weight, text = split_count(line)
        for kind, subject in read_line(text, installing=installing):
            found[kind, subject] += weight
    if not installing and (module := find_fatal_module(detail)):
        found["bad-module", module] += 1
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(LogFinding(kind=kind, subject=sub, count=n) for (kind, sub), n in ranked)


def find_missing_pythons(detail: str) -> tuple[LogFinding, ...]:
    """Return the Python that could not be had, as both backends say it."""
    match = re.search(
        r"(?:Python|the plan wants) (3\.\d+)(?: is not installed)?, and (?:uv|its image) cannot",
        detail,
    )
    return (LogFinding(kind="missing-python", subject=match[1]),) if match else ()


def split_count(line: str) -> tuple[int, str]:
    """Split ``12 x message`` as failures are summed up."""
    match = re.match(r"(\d+) x (.*)$", line)
    return (int(match[1]), match[2]) if match else (1, line)


def read_line(line: str, *, installing: bool) -> Iterable[tuple[Kind, str]]:
    """Yield what one line says."""
    if not installing and (why := set_aside_for(line)):
        yield why, ""
        return
    if not installing and (tool := find_newer_tool(line)):
        yield "newer-test-tool", tool
    for kind, pattern in (*ANY_PHASE, *(INSTALLING if installing else TESTING)):
        match = re.search(pattern, line)
        if match is None:
            continue
        if installing and kind == "missing-module":
            yield "missing-build-module", match[1]
        else:
            yield kind, match[1] or match[0]
        if kind != "changed-dependency":
            return
    if installing and NETWORK.search(line):
        yield "build-reaches-web", ""


def find_newer_tool(line: str) -> str:
    """Return the test tool that is newer than what uses it, with a bound that the line names."""
    found = ((name, re.search(pattern, line)) for name, pattern in TEST_TOOLS)
    return next((name.format(*match.groups()) for name, match in found if match), "")


def set_aside_for(detail: str) -> Literal["needs-network", "needs-root"] | None:
    """Say whether a test's failure is the sandbox's doing: it wants the network, or root."""
    if NETWORK.search(detail) and not NAMES_ONLY.search(detail):
        return "needs-network"
    return "needs-root" if ROOT.search(detail) else None


def find_fatal_module(detail: str) -> str:
    """Return the test module that ends pytest itself while it is collected, empty when none."""
    if not re.search(
        r"INTERNALERROR|Exit:|SystemExit|Segmentation fault|Fatal Python error", detail
    ):
        return ""
    found = [match[1] for match in TREE_PATH.finditer(detail)]
    return next((path for path in reversed(found) if not path.endswith("conftest.py")), "")


@cache
def load_debian_packages() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the table from what is missing to Debian packages (``debian.toml``)."""
    return tomllib.loads(Path(__file__).with_name("debian.toml").read_text())


TABLES: Mapping[Kind, str] = {
    "missing-header": "headers",
    "missing-command": "commands",
    "missing-library": "libraries",
    "missing-pkgconfig": "pkgconfig",
}


def system_packages(finding: LogFinding) -> tuple[str, ...]:
    """Return the Debian packages that bring what is missing, empty where none is known."""
    if finding.kind not in TABLES:
        return ()
    table = load_debian_packages()[TABLES[finding.kind]]
    subject = finding.subject
    names = [subject, subject.rpartition("/")[2], f"lib{subject}", f"lib{subject}.so"]
    return next((tuple(table[name]) for name in names if name in table), ())


DESCRIPTIONS: Mapping[Kind, str] = {
    "async-tests": "async tests need a plugin that runs them",
    "bad-module": "{0} ends pytest while it is collected",
    "build-reaches-web": "the build asks the web for something, and cannot reach it",
    "changed-dependency": "a dependency is newer than the code knows ({0})",
    "index-unreachable": "the package index could not be reached",
    "missing-build-module": "the build imports {0}, which it does not ask for",
    "missing-command": "the command {0} is missing",
    "missing-distribution": "{0} is not in the package index",
    "missing-extra": "there is no extra {0}",
    "missing-file": "the file {0} is missing",
    "missing-fixture": "no plugin gives the fixture {0}",
    "missing-group": "there is no dependency group {0}",
    "missing-header": "the header {0} is missing",
    "missing-library": "the shared library {0} is missing",
    "missing-module": "{0} cannot be imported",
    "missing-pkgconfig": "the library {0} is missing",
    "missing-python": "Python {0} is not installed here and cannot be downloaded",
    "needs-network": "tests need the network",
    "needs-root": "tests need root",
    "newer-test-tool": "the tests or their plugins want an older test tool ({0})",
    "not-built": "{0} cannot be built",
    "unknown-mark": "no plugin knows the mark {0}",
    "unknown-option": "no plugin knows the option {0}",
    "unreachable-repository": "{0} could not be reached",
    "version-conflict": "the requirements contradict each other",
    "warning-as-error": "a {0} is turned into an error",
    "wrong-python": "it needs Python {0}",
}


def describe_finding(finding: LogFinding) -> str:
    """Return a finding in words."""
    packages = " ".join(system_packages(finding))
    told = DESCRIPTIONS[finding.kind].format(finding.subject)
    return f"{told} (Debian: {packages})" if packages else told
