"""One run of pytest in this process."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from .blocked import BLOCKED_PLUGINS, make_stand_ins
from .canary import CanaryPlugin
from .environment import mend_clock
from .parts import join_part
from .places import find_folder
from .plugin import ReportPlugin
from .processes import prefer_oom_kill
from .watch import LineWatcher


def run_pytest(config_fd: int, report_fd: int) -> None:
    """Run what is asked for, report it, and end the process."""
    prefer_oom_kill()
    if "FAKETIME" in os.environ:
        mend_clock()
    config = read_config(config_fd)
    os.set_inheritable(report_fd, False)
    plugin = ReportPlugin(report_fd, config)
    if config["watch"]:
        plugin.watcher = LineWatcher(plugin.root)
        plugin.watcher.start()
    code = start_pytest(config["args"], plugin)
    plugin.send(event="finished", code=code)
    sys.stdout.flush()
    # Without the end that Python makes of itself: threads and exit handlers of tests may hang.
    os._exit(0)


def read_config(fd: int) -> dict[str, Any]:
    """Read what a run is to do."""
    with os.fdopen(fd, "rb") as file:
        found: dict[str, Any] = json.loads(next(file).decode("utf-8"))
        for _ in range(found.pop("parts")):
            name, part = json.loads(next(file).decode("utf-8"))
            join_part(found, name, part)
    return found


def start_pytest(given: list[str], plugin: ReportPlugin) -> int:
    """Run pytest with a plugin of ours, as ``python -m pytest`` would."""
    os.chdir(find_folder(plugin.root))
    # As ``-m`` does; in a fork something that was loaded may have changed it since.
    sys.path[0] = os.getcwd()
    import pytest

    # The first that answers is heard: a conftest that answers for every file is not to be it.
    pytest.hookimpl(tryfirst=True)(ReportPlugin.pytest_ignore_collect)
    pytest.hookimpl(trylast=True)(CanaryPlugin.pytest_runtest_logfinish)
    sys.argv = [os.path.join(os.path.dirname(pytest.__file__), "__main__.py"), *given]
    args = ["-o", "addopts=", "--continue-on-collection-errors", "-q", "--tb=line"]
    for name in BLOCKED_PLUGINS:
        args += ["-p", "no:" + name]
    return int(
        pytest.main(args + given, plugins=[plugin, CanaryPlugin(plugin), make_stand_ins(pytest)])
    )
