"""One process that runs pytest, and the pipe that it reports through."""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
import tempfile
import threading
from typing import Any

from .frames import LINE_LIMIT, parse_message, write_all
from .parts import LONG_FIELDS, split_field
from .places import ARCHIVE
from .processes import await_end, is_gone, kill_process, reap_all

OUTPUT_LIMIT = 4000


class PytestProcess:
    """A pytest process and the pipe it reports through."""

    def __init__(self, config: dict[str, Any], env: dict[str, str], held: Any = None) -> None:
        self.folder = tempfile.mkdtemp(prefix="run-")
        read_end, write_end = os.pipe()
        config_read, config_write = os.pipe()
        self.output = os.path.join(self.folder, "output")
        env = dict(env, TMPDIR=self.folder)
        self.pid = 0
        if held is not None:
            self.pid = held.fork(config_read, write_end, self.output, self.folder)
        self.forked = bool(self.pid)
        self.pid = self.pid or os.fork()
        if self.pid == 0:
            try:
                self.become_pytest(read_end, write_end, config_read, config_write, env)
            finally:
                os._exit(127)
        os.close(write_end)
        os.close(config_read)
        # Ten thousand names of tests are more than a pipe holds, and pytest may die unread.
        write_thread = threading.Thread(
            target=feed_config, args=(config_write, config), daemon=True
        )
        write_thread.start()
        self.pipe = read_end
        self.buffer = b""
        self.ended = False
        self.reaped = False

    def become_pytest(
        self,
        read_end: int,
        write_end: int,
        config_read: int,
        config_write: int,
        env: dict[str, str],
    ) -> None:
        """Become another program, in a session of its own: its group can be killed as one."""
        os.setsid()
        os.close(read_end)
        os.close(config_write)
        null = os.open(os.devnull, os.O_RDONLY)
        output = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.set_inheritable(write_end, True)
        os.set_inheritable(config_read, True)
        command = [
            sys.executable,
            ARCHIVE,
            "pytest",
            str(config_read),
            str(write_end),
        ]
        os.execve(sys.executable, command, env)

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """Yield what came within ``timeout`` seconds; sets ``ended`` at the end of the pipe."""
        ready, _, _ = select.select([self.pipe], [], [], max(0.0, timeout))
        if not ready:
            self.ended = self.is_dead()
            return []
        data = os.read(self.pipe, 1 << 16)
        if not data:
            self.ended = True
            return []
        lines = (self.buffer + data).split(b"\n")
        self.buffer = lines.pop()
        # Tests can write to the pipe too: a line without end is not ours.
        if len(self.buffer) > LINE_LIMIT:
            self.buffer = b""
        return [message for message in map(parse_message, lines) if message]

    def is_dead(self) -> bool:
        """Say whether it died while something it started still holds the pipe."""
        # A run that was forked by a held process is that one's child: we cannot wait for it.
        if not self.reaped and self.forked:
            self.reaped = is_gone(self.pid)
        elif not self.reaped:
            self.reaped = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return self.reaped

    def close(self) -> str:
        """Kill it with all it started; return the end of its output."""
        kill_process(self.pid, group_only=self.reaped)
        if self.forked:
            await_end(self.pid)
        reap_all()
        os.close(self.pipe)
        tail = ""
        try:
            with open(self.output, "rb") as file:
                file.seek(max(0, os.path.getsize(self.output) - OUTPUT_LIMIT))
                tail = file.read().decode("utf-8", "replace")
        except OSError:
            tail = ""
        shutil.rmtree(self.folder, ignore_errors=True)
        return tail


def feed_config(fd: int, config: dict[str, Any]) -> None:
    """Write what a run is to do, as far as somebody reads it."""
    long = [name for name in LONG_FIELDS if config.get(name)]
    short = {name: value for name, value in config.items() if name not in long}
    parts = [[name, part] for name in long for part in split_field(config[name])]
    try:
        write_line(fd, dict(short, parts=len(parts)))
        for part in parts:
            write_line(fd, part)
    except BrokenPipeError:
        return
    finally:
        os.close(fd)


def write_line(fd: int, value: Any) -> None:
    """Write one line of what a run is to do."""
    write_all(fd, json.dumps(value).encode("utf-8") + b"\n")
