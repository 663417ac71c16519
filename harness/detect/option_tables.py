"""What is known of pytest's options: which take a value, which are dropped and why."""

from __future__ import annotations

from collections.abc import Mapping

KEEP = ""

SHORT: Mapping[str, tuple[bool, str]] = {
    "k": (True, KEEP),
    "m": (True, KEEP),
    "W": (True, KEEP),
    "p": (True, KEEP),
    "c": (True, KEEP),
    "o": (True, KEEP),
    "x": (False, "stops early"),
    "v": (False, "display"),
    "q": (False, "display"),
    "s": (False, "display"),
    "l": (False, "display"),
    "r": (True, "display"),
    "n": (True, "xdist"),
    "d": (False, "xdist"),
    "f": (False, "xdist"),
}
"""Short option: whether it takes a value, and why it is dropped (empty: kept)."""

LONG: Mapping[str, tuple[bool, str]] = {
    "--import-mode": (True, KEEP),
    "--doctest-modules": (False, KEEP),
    "--doctest-plus": (False, KEEP),
    "--doctest-rst": (False, KEEP),
    "--doctest-glob": (True, KEEP),
    "--doctest-report": (True, KEEP),
    "--doctest-continue-on-failure": (False, KEEP),
    "--doctest-ignore-import-errors": (False, KEEP),
    "--ignore": (True, KEEP),
    "--ignore-glob": (True, KEEP),
    "--deselect": (True, KEEP),
    "--override-ini": (True, KEEP),
    "--strict": (False, KEEP),
    "--strict-markers": (False, KEEP),
    "--strict-config": (False, KEEP),
    "--pythonwarnings": (True, KEEP),
    "--config-file": (True, KEEP),
    "--noconftest": (False, KEEP),
    "--confcutdir": (True, KEEP),
    "--keep-duplicates": (False, KEEP),
    "--collect-in-virtualenv": (False, KEEP),
    "--runxfail": (False, KEEP),
    "--pyargs": (False, KEEP),
    "--assert": (True, KEEP),
    "--disable-warnings": (False, "display"),
    "--disable-pytest-warnings": (False, "display"),
    "--tb": (True, "display"),
    "--color": (True, "display"),
    "--code-highlight": (True, "display"),
    "--durations": (True, "display"),
    "--durations-min": (True, "display"),
    "--verbose": (False, "display"),
    "--verbosity": (True, "display"),
    "--quiet": (False, "display"),
    "--showlocals": (False, "display"),
    "--show-capture": (True, "display"),
    "--capture": (True, "display"),
    "--full-trace": (False, "display"),
    "--fulltrace": (False, "display"),
    "--no-header": (False, "display"),
    "--no-summary": (False, "display"),
    "--junitxml": (True, "report"),
    "--junit-xml": (True, "report"),
    "--junit-prefix": (True, "report"),
    "--junitprefix": (True, "report"),
    "--html": (True, "report"),
    "--self-contained-html": (False, "report"),
    "--json-report": (False, "report"),
    "--log-level": (True, "display"),
    "--log-cli-level": (True, "display"),
    "--log-file": (True, "report"),
    "--report-log": (True, "report"),
    "--exitfirst": (False, "stops early"),
    "--maxfail": (True, "stops early"),
    "--stepwise": (False, "stops early"),
    "--sw": (False, "stops early"),
    "--last-failed": (False, "depends on earlier runs"),
    "--lf": (False, "depends on earlier runs"),
    "--failed-first": (False, "depends on earlier runs"),
    "--ff": (False, "depends on earlier runs"),
    "--new-first": (False, "depends on earlier runs"),
    "--nf": (False, "depends on earlier runs"),
    "--cache-clear": (False, "depends on earlier runs"),
    "--basetemp": (True, "place of the run"),
    "--rootdir": (True, "place of the run"),
    "--pdb": (False, "interactive"),
    "--trace": (False, "interactive"),
    "--collect-only": (False, "runs nothing"),
    "--co": (False, "runs nothing"),
    "--dist": (True, "xdist"),
    "--numprocesses": (True, "xdist"),
    "--maxprocesses": (True, "xdist"),
    "--max-worker-restart": (True, "xdist"),
    "--looponfail": (False, "xdist"),
    "--boxed": (False, "xdist"),
    "--forked": (False, "xdist"),
    "--cov": (False, "coverage"),
    "--cov-report": (True, "coverage"),
    "--cov-config": (True, "coverage"),
    "--cov-fail-under": (True, "coverage"),
    "--cov-context": (True, "coverage"),
    "--random-order-seed": (True, "random order"),
    "--timeout": (True, "timeout"),
    "--timeout-method": (True, "timeout"),
    "--session-timeout": (True, "timeout"),
    "--reruns": (True, "repeats"),
    "--reruns-delay": (True, "repeats"),
    "--count": (True, "repeats"),
}
"""Long option: whether it takes a value, and why it is dropped (empty: kept)."""

DROPPED_PREFIXES: Mapping[str, str] = {
    "--cov": "coverage",
    "--no-cov": "coverage",
    "--randomly": "random order",
    "--random-order": "random order",
    "--tx": "xdist",
    "--junit": "report",
    "--html": "report",
    "--json-report": "report",
    "--mypy": "linter",
    "--flake8": "linter",
    "--black": "linter",
    "--ruff": "linter",
    "--isort": "linter",
    "--pylint": "linter",
    "--pycodestyle": "linter",
    "--pydocstyle": "linter",
    "--enabler": "linter",
    "--checkdocs": "linter",
    "--profile": "report",
    "--emoji": "display",
    "--picked": "depends on earlier runs",
    "--testmon": "depends on earlier runs",
}
"""Families of options of plugins that would change what is run, or slow it down."""

DROPPED_PLUGINS: Mapping[str, str] = {
    "xdist": "xdist",
    "xdist.plugin": "xdist",
    "pytest_cov": "coverage",
    "pytest_cov.plugin": "coverage",
    "randomly": "random order",
    "pytest_randomly": "random order",
    "random_order": "random order",
    "sugar": "display",
    "pytest_sugar": "display",
}
"""What ``-p NAME`` must not load."""

PLUGIN_PREFIXES: Mapping[str, str] = {
    "--asyncio": "pytest-asyncio",
    "--benchmark": "pytest-benchmark",
    "--ds": "pytest-django",
    "--dc": "pytest-django",
    "--reuse-db": "pytest-django",
    "--create-db": "pytest-django",
    "--nomigrations": "pytest-django",
    "--no-migrations": "pytest-django",
    "--disable-socket": "pytest-socket",
    "--enable-socket": "pytest-socket",
    "--allow-hosts": "pytest-socket",
    "--allow-unix-socket": "pytest-socket",
    "--block-network": "pytest-recording",
    "--record-mode": "pytest-recording",
    "--doctest-plus": "pytest-doctestplus",
    "--doctest-rst": "pytest-doctestplus",
    "--doctest-cython": "pytest-cython",
    "--hypothesis": "hypothesis",
    "--snapshot": "syrupy",
    "--envfile": "pytest-dotenv",
    "--mpl": "pytest-mpl",
    "--nbval": "nbval",
    "--xdoctest": "xdoctest",
}
"""Families of options that are kept, and the distribution they need."""

COLLECTS_EVERYWHERE = frozenset(
    {"--doctest-modules", "--doctest-glob", "--doctest-plus", "--doctest-rst", "--doctest-cython"}
    | {
        "--nbval",
        "--nbval-lax",
        "--xdoctest",
        "--xdoctest-modules",
        "--markdown-docs",
        "--codeblocks",
    }
)
"""Options by which modules, documents and notebooks hold tests, wherever they lie."""

UNWANTED: Mapping[str, str] = {
    "pytest-enabler": "enabler",
    "pytest-randomly": "randomly",
    "pytest-sugar": "sugar",
    "pytest-retry": "pytest-retry",
}
"""Distributions whose plugin changes every run just by being there, and the plugin's name."""

LINTERS = frozenset(
    {"pytest-black", "pytest-checkdocs", "pytest-cov", "pytest-enabler", "pytest-flake8"}
    | {"pytest-isort", "pytest-mypy", "pytest-pylint", "pytest-ruff"}
)
"""Plugins that make an extra one about style or coverage, whatever else is in it."""

INI_PLUGINS: Mapping[str, str] = {
    "asyncio_mode": "pytest-asyncio",
    "asyncio_debug": "pytest-asyncio",
    "asyncio_default_fixture_loop_scope": "pytest-asyncio",
    "asyncio_default_test_loop_scope": "pytest-asyncio",
    "anyio_mode": "anyio",
    "trio_mode": "pytest-trio",
    "timeout": "pytest-timeout",
    "timeout_method": "pytest-timeout",
    "timeout_func_only": "pytest-timeout",
    "DJANGO_SETTINGS_MODULE": "pytest-django",
    "DJANGO_CONFIGURATION": "pytest-django",
    "django_find_project": "pytest-django",
    "django_debug_mode": "pytest-django",
    "env": "pytest-env",
    "env_files": "pytest-dotenv",
    "mock_use_standalone_module": "pytest-mock",
    "mock_traceback_monkeypatch": "pytest-mock",
    "doctest_plus": "pytest-doctestplus",
    "text_file_format": "pytest-doctestplus",
    "remote_data_strict": "pytest-remotedata",
    "qt_api": "pytest-qt",
    "aiohttp_fast": "pytest-aiohttp",
    "freezegun_ignore_list": "pytest-freezer",
    "socket_allow_hosts": "pytest-socket",
    "spec_header_format": "pytest-spec",
}
"""Keys of pytest's configuration that only a plugin knows."""
