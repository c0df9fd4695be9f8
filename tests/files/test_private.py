"""Private folders and files: created private, refused where other accounts have access."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from xpm_tui.cli.main import main
from xpm_tui.domain.errors import BadInput, DiskError
from xpm_tui.files.private import (
    check_chain,
    check_private,
    ensure_private,
    network_file_system,
    open_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_and_what_is_missing_above_it_is_made_closed(tmp_path: Path) -> None:
    folder = ensure_private(tmp_path / "a" / "b" / "c")
    assert [mode(path) for path in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3
    folder.chmod(0o755)
    assert mode(ensure_private(folder)) == 0o700


def test_what_others_may_reach_is_refused_with_a_way_out(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "file").write_text("")
    (tmp_path / "hanging").symlink_to(tmp_path / "nowhere")
    for name, words in (("link", "symbolic link"), ("hanging", "symbolic link"), ("file", "not a folder")):
        with pytest.raises(BadInput, match=words) as reported:
            ensure_private(tmp_path / name)
        assert reported.value.hint
    for bits in (0o770, 0o702):
        real.chmod(bits)
        with pytest.raises(BadInput, match="written by other accounts") as reported:
            ensure_private(real)
        assert "chmod 700" in reported.value.hint


def test_a_folder_of_another_account_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    with pytest.raises(BadInput, match="another account"):
        check_private(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="file"):
        ensure_private(tmp_path / "file" / "below")
    with pytest.raises(DiskError, match="none"):
        check_private(tmp_path / "none")


def test_a_file_is_closed_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o644)
    os.close(open_private(path, os.O_RDONLY))
    assert mode(path) == 0o600
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError) as reported:  # noqa: PT011
        open_private(tmp_path / "link", os.O_RDONLY)
    assert reported.value.errno == errno.ELOOP
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="is not a regular file"):
        open_private(tmp_path / "pipe", os.O_RDWR)


def test_the_umask_keeps_others_out(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert main(["--version"]) == 0
        (tmp_path / "new").write_text("")
        assert mode(tmp_path / "new") == 0o600
    finally:
        os.umask(before)


def test_a_network_file_system_is_known(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    share = tmp_path / "my share"
    share.mkdir()
    escaped = str(share).replace(" ", "\\040")
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"40 22 0:45 / {escaped} rw,relatime shared:9 - nfs4 server:/export rw\n"
        "broken line\n"
    )
    assert network_file_system(share / "book", mounts) == "nfs4"
    assert network_file_system(tmp_path, mounts) == ""
    assert network_file_system(tmp_path, tmp_path / "no such file") == ""


def test_the_whole_way_from_the_root_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row: how one part of the way is changed, what is said, what puts it right; empty: good."""
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text("")
    (tmp_path / "by link").symlink_to("home/config")
    uid, chown = os.geteuid(), f"chown {os.geteuid()}"
    rows = (
        ("", 0, 0, "home/config/settings.toml", "", ""),
        ("home", 0o777, uid, "home/config/settings.toml", "mode 0777", "chmod go-w"),
        ("home", 0o1777, uid, "home/config/settings.toml", "", ""),
        ("home", 0o720, uid, "home/config/settings.toml", "mode 0720", "chmod g-w"),
        ("home", 0o777, uid, "by link/settings.toml", "mode 0777", "chmod go-w"),
        ("home", 0o700, uid + 7, "home/config/settings.toml", "another account", chown),
        ("home", 0o700, uid + 7, "by link/nothing yet", "another account", chown),
        ("home/config/settings.toml", 0o666, uid, "home/config/settings.toml", "mode 0666", "chmod go-w"),
        ("home/config/settings.toml", 0o644, uid, "by link/settings.toml", "", ""),
        ("by link", 0o777, uid + 7, "by link/settings.toml", "symbolic link", "chown -h"),
        ("by link", 0o777, uid, "by link/settings.toml", "", ""),
        ("elsewhere", 0o777, uid, "home/config/settings.toml", "", ""),
    )
    real = os.lstat
    for changed, mode_, owner, path, words, hint in rows:

        def lstat(at: Path, **_: object) -> os.stat_result:
            found = real(at)
            if str(at) != str(tmp_path / changed) or not changed:  # noqa: B023
                return found
            kind = stat.S_IFMT(found.st_mode)
            fields = [*found]
            fields[0], fields[4], fields[5] = kind | mode_, owner, 4711  # noqa: B023
            return os.stat_result(fields)

        monkeypatch.setattr(os, "lstat", lstat)
        monkeypatch.setattr(Path, "lstat", lambda at: os.lstat(at))
        if not words:
            check_chain(tmp_path / path)
            continue
        with pytest.raises(BadInput, match=words) as reported:
            check_chain(tmp_path / path)
        assert str(tmp_path / changed) in reported.value.message
        assert hint in reported.value.hint
