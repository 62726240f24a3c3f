"""Ports for the servers of tests. What the kernel gives for 0 it gives to any client, too: a server that is about to start,
or starts anew, would now and then find its port taken. So each process has a row of its own, below those."""
import fcntl
import itertools
import os
import random
import socket
import tempfile

FIRST, ROW, ROWS = 11000, 500, 40
_held = []  # the lock's file, and the row's ports in turn


def _take_row():
    """A row that no other process has that lives."""
    for row in range(ROWS):
        try:
            f = open(os.path.join(tempfile.gettempdir(), f"switchboard-ports-{row}"), "a")
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        begin = random.randrange(ROW)
        return f, itertools.cycle(FIRST + row * ROW + (begin + i) % ROW for i in range(ROW))
    raise RuntimeError("all rows of ports are in use")


def free_port():
    """None that was given lately, and that nobody has."""
    if not _held:
        _held.extend(_take_row())
    for _ in range(ROW):
        port = next(_held[1])
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")
