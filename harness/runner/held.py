"""Processes that are kept ready, from which runs are forked."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from typing import Any

from .environment import WITH_BYTECODE, make_environment
from .places import ARCHIVE
from .processes import GRACE, SPARED, kill_process
from .tree import WorkTree

HELD_START = 120.0
"""Seconds for loading what runs share, and for collecting the unbroken code."""
KEEPER_AGE = 600.0
"""Seconds until the code is collected anew: what tests hold of the time must not grow old."""
KEEPERS_LOST = 3
PACKET = 1 << 16
MESSAGE_LIMIT = 64 << 20
"""Bytes of what such a process is told at its start, and of its answer."""


def send_message(channel: Any, data: bytes) -> None:
    """Send a message in packets, each marked as the last or not: the kernel takes no long one."""
    for start in range(0, max(1, len(data)), PACKET):
        end = start + PACKET
        channel.sendall((b"." if end >= len(data) else b"+") + data[start:end])


def receive_message(channel: Any) -> bytes:
    """Return the next message; empty when the other side is gone. Raises OSError."""
    data = b""
    while len(data) <= MESSAGE_LIMIT:
        packet = channel.recv(PACKET + 1)
        data += packet[1:]
        if not packet or packet[:1] == b".":
            return bytes(data if packet else b"")
    raise OSError("a message is over MESSAGE_LIMIT (%d bytes)" % MESSAGE_LIMIT)


class HeldProcess:
    """A process that is kept ready, and forks for each run; started by ``role``.

    - ``forker`` has pytest and third-party modules loaded, and nothing of the repository: what a
      change could have altered is imported in the fork.
    - ``keeper`` has collected the unbroken code, and runs none of it after that: in the fork the
      functions that changed are given their new code.
    """

    def __init__(self, role: str, told: dict[str, Any], env: dict[str, str]) -> None:
        self.pid = 0
        self.socket: Any = None
        self.why = ""
        self.modules: list[str] = []
        self.since = time.monotonic()
        if not hasattr(socket, "send_fds"):
            self.why = "this Python hands no descriptors over"
            return
        # Packets keep their borders, so that one read is one message, and carry descriptors.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.folder = tempfile.mkdtemp(prefix="held-")
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.set_inheritable(theirs.fileno(), True)
                null = os.open(os.devnull, os.O_RDWR)
                for standard in (0, 1, 2):
                    os.dup2(null, standard)
                command = [sys.executable, ARCHIVE, role, str(theirs.fileno())]
                os.execve(sys.executable, command, dict(env, TMPDIR=self.folder))
            finally:
                os._exit(127)
        theirs.close()
        self.socket = ours
        SPARED.add(self.pid)
        self.socket.settimeout(HELD_START)
        try:
            send_message(self.socket, json.dumps(told).encode("utf-8"))
            self.read_start(receive_message(self.socket))
        except OSError as problem:
            self.why = "it could not be started: %s" % problem
            self.close()

    def read_start(self, answer: bytes) -> None:
        """Take the word of a process that has started, and end it where it is of no use."""
        try:
            said = json.loads(answer.decode("utf-8"))
        except ValueError:
            said = {"why": "it could not be started"}
        self.why = str(said.get("why", ""))
        self.modules = [str(name) for name in said.get("modules", ())]
        if self.why:
            self.close()

    def receive_answer(self, timeout: float) -> bytes:
        """Return the next message; empty when there is none in time."""
        self.socket.settimeout(timeout)
        try:
            return bytes(self.socket.recv(PACKET))
        except OSError:
            return b""

    def fork(self, config_read: int, report: int, output: str, folder: str) -> int:
        """Start a run; return its process, or 0 when that cannot be done."""
        if self.socket is None:
            return 0
        try:
            told = json.dumps([output, folder]).encode("utf-8")
            socket.send_fds(self.socket, [told], [config_read, report])
        except OSError:
            self.close()
            return 0
        answer = self.receive_answer(GRACE)
        if not answer.isdigit() or not int(answer):
            self.close()
            return 0
        return int(answer)

    def close(self) -> None:
        """End it; runs are started in another way from here on."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        if self.pid:
            SPARED.discard(self.pid)
            kill_process(self.pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.pid = 0
            shutil.rmtree(self.folder, ignore_errors=True)


class HeldProcesses:
    """The processes that are held ready, each started when it is first of use."""

    def __init__(self, tree: WorkTree) -> None:
        self.tree = tree
        self.forker: Any = None
        self.keeper: Any = None
        self.args: list[str] = []
        self.refused = ""
        self.lost = 0

    def list_ways(self, mode: str, args: list[str]) -> list[tuple[str, Any]]:
        """What may fork a run that asks for ``mode``, the fastest first."""
        found = []
        if mode == "swap":
            found.append(("swap", self.ready_keeper(args)))
        if mode in ("swap", "fork"):
            found.append(("fork", self.ready_forker()))
        return [(name, held) for name, held in found if held is not None]

    def ready_keeper(self, args: list[str]) -> Any:
        """Return the session that is held for these arguments, anew where it is old or lost."""
        keeper = self.keeper
        if args != self.args:
            self.refused, self.lost = "", 0
        # Lost without a reason of its own: something that it forked killed it, as tests may that
        # kill their parent. Now and then is bad luck, more than that is how these tests are.
        if keeper is not None and keeper.socket is None and not keeper.why:
            self.lost += 1
            if self.lost > KEEPERS_LOST:
                self.refused = "the session that is held was lost too often"
        aged = keeper is not None and time.monotonic() - keeper.since > KEEPER_AGE
        if keeper is not None and (aged or args != self.args or keeper.socket is None):
            keeper.close()
            keeper = self.keeper = None
        if keeper is None and not self.refused:
            self.args = list(args)
            keeper = HeldProcess("keeper", {"args": args}, {**make_environment(), **WITH_BYTECODE})
            # All later runs would see what was written by the collection of unbroken code.
            if not self.tree.adopt_bytecode() and not keeper.why:
                keeper.why = "collecting the tests writes into the tree"
                keeper.close()
            self.keeper = keeper
            self.refused = keeper.why
        return None if self.refused else keeper

    def ready_forker(self) -> Any:
        """Return the process that has pytest loaded, with what the session was seen to load."""
        forker = self.forker
        if forker is not None and forker.socket is None and not forker.why:
            self.lost += 1
            forker = None if self.lost <= KEEPERS_LOST else forker
        if forker is None:
            modules = self.keeper.modules if self.keeper is not None else []
            forker = HeldProcess("forker", {"modules": modules}, make_environment())
            # One of the modules that the tests load may start a thread, or lie in the tree.
            if forker.why and modules:
                forker = HeldProcess("forker", {"modules": []}, make_environment())
            self.forker = forker
        return forker if forker.socket is not None else None
