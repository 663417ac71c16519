"""Plugins of pytest that would disturb a run, and what a repository may still expect of them."""

from __future__ import annotations

import types
from typing import Any

BLOCKED_PLUGINS = (
    "cacheprovider",
    "xdist",
    "xdist.looponfail",
    "randomly",
    "random_order",
    "pytest_cov",
    "timeout",
    "rerunfailures",
)
SETTINGS_OF_BLOCKED = (
    "cache_dir",
    "looponfailroots",
    "reruns",
    "reruns_delay",
    "rsyncdirs",
    "rsyncignore",
    "session_timeout",
    "timeout",
    "timeout_disable_debugger_detection",
    "timeout_func_only",
    "timeout_method",
)
MARKS_OF_BLOCKED = ("flaky", "no_cover", "random_order", "timeout", "xdist_group")
HOOKS_OF_BLOCKED = {
    "pytest_configure_node": "node",
    "pytest_handlecrashitem": "crashitem, report, sched",
    "pytest_testnodedown": "node, error",
    "pytest_testnodeready": "node",
    "pytest_timeout_cancel_timer": "item",
    "pytest_timeout_set_timer": "item, settings",
    "pytest_xdist_auto_num_workers": "config",
    "pytest_xdist_getremotemodule": "",
    "pytest_xdist_make_scheduler": "config, log",
    "pytest_xdist_newgateway": "gateway",
    "pytest_xdist_node_collection_finished": "node, ids",
    "pytest_xdist_rsyncfinish": "source, gateways",
    "pytest_xdist_rsyncstart": "source, gateways",
    "pytest_xdist_setupnodes": "config, specs",
}
"""Their names and arguments: to import the plugins for them would make pytest warn."""
FIXTURES_OF_BLOCKED = {
    "cov": None,
    "no_cover": None,
    "testrun_uid": "0" * 32,
    "worker_id": "master",
}


def make_stand_ins(pytest: Any) -> Any:
    """Make a plugin of the fixtures that blocked plugins give in a run of one worker."""
    module = types.ModuleType("stand_ins")
    for name, value in FIXTURES_OF_BLOCKED.items():
        setattr(module, name, pytest.fixture(scope="session", name=name)(lambda value=value: value))
    return module
