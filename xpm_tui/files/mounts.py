"""Which file system a folder lies on: over a network, locks and fsync are only the server's promise."""

from __future__ import annotations

import os
from pathlib import Path

NETWORK = frozenset(
    "nfs nfs4 cifs smb smbfs smb3 afs ncpfs 9p ceph glusterfs lustre davfs fuse.sshfs fuse.rclone"
    " fuse.davfs2 fuse.glusterfs fuse.s3fs fuse.gcsfuse fuse.onedrive".split()
)


def network_file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The kind of network file system that ``folder`` lies on (``nfs4``, ``cifs``, ...), or the empty text.

    Reads the kernel's list of mounts (proc(5), mountinfo); where there is none, nothing is known.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    real = os.path.realpath(folder)
    best, kind = "", ""
    for line in lines:
        head, _, tail = line.partition(" - ")
        fields, kinds = head.split(" "), tail.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = point == "/" or real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, kinds[0]
    return kind if kind in NETWORK else ""
