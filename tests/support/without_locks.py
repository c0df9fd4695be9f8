"""Run verbs where the kernel refuses every lock, as on a file system without locks (seccomp(2), Linux).

``python -m tests.support.without_locks ENOLCK HOME`` reads verbs from stdin, a JSON list of words on each
line, and answers each with ``[exit code, seconds, stdout, stderr]``. Nothing in the program is replaced.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import struct
import sys
import time
from pathlib import Path

from tests.support.command import Inline

_FLOCK = {"x86_64": 73, "aarch64": 32}
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def refuse_locks(number: int) -> None:
    """Make flock(2) fail with an error, in this process and for good. Raises ``OSError`` where it cannot."""
    steps = (
        (_LOAD, 0, 0, 0),
        (_IF_EQUAL, 0, 1, _FLOCK.get(os.uname().machine, -1)),
        (_RETURN, 0, 0, _ERRNO | number),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBi", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    program = Program(len(steps), ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_NO_NEW_PRIVS, 1, 0, 0, 0), (_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    refuse_locks(getattr(errno, sys.argv[1]))
    command = Inline(Path(sys.argv[2]))
    for line in sys.stdin:
        began = time.monotonic()
        done = command(*json.loads(line), code=None)
        print(json.dumps([done.code, time.monotonic() - began, done.out, done.err]), flush=True)
