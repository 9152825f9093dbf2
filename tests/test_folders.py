"""The user's folders, and writing a file there whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from edgehands import folders

if TYPE_CHECKING:
    from collections.abc import Callable

    Folder: TypeAlias = Callable[[], Path | None]

FOLDERS = [
    ("XDG_CONFIG_HOME", folders.config, ".config"),
    ("XDG_DATA_HOME", folders.data, ".local/share"),
    ("XDG_CACHE_HOME", folders.cache, ".cache"),
    ("XDG_STATE_HOME", folders.state, ".local/state"),
]


@pytest.mark.parametrize(("variable", "folder", "default"), FOLDERS)
def test_the_variable_counts_if_it_is_absolute(
    monkeypatch: pytest.MonkeyPatch, variable: str, folder: Folder, default: str
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv(variable, "/else/where")
    assert folder() == Path("/else/where/edgehands")
    for useless in ("", "relative"):
        monkeypatch.setenv(variable, useless)
        assert folder() == Path("/home/someone", default, "edgehands")
    monkeypatch.delenv(variable)
    assert folder() == Path("/home/someone", default, "edgehands")


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize(("variable", "folder", "default"), FOLDERS)
def test_a_user_without_a_home_has_none(
    monkeypatch: pytest.MonkeyPatch, variable: str, folder: Folder, default: str
) -> None:
    assert folder() is None, default
    monkeypatch.setenv(variable, "/else/where")
    assert folder() == Path("/else/where/edgehands")


def test_a_file_is_written_with_its_folder_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    before = os.umask(0o027)
    try:
        folders.write_whole(path, b"first")
        assert path.read_bytes() == b"first"
        assert path.stat().st_mode & 0o777 == 0o640
        folders.write_whole(path, b"second", mode=0o644)
    finally:
        os.umask(before)
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_what_a_power_cut_left_of_an_older_write_is_removed_by_the_next(tmp_path: Path) -> None:
    old, new = time.time() - 2 * 3600, time.time() - 60
    ages = {
        ".part-0123456789abcdef": old,
        ".part-fedcba9876543210": new,  # somebody may be writing it
        ".part-of-mine": old,
        ".part-0123456789abcdef.toml": old,
    }
    for name, age in ages.items():
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (age, age))
    (tmp_path / ".part-00000000000000ff").mkdir()
    os.utime(tmp_path / ".part-00000000000000ff", (old, old))
    folders.write_whole(tmp_path / "file", b"whole")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*list(ages)[1:], ".part-00000000000000ff", "file"}


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folders.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_replaced_keeps_its_permissions_and_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    if os.geteuid() == 0:  # as `sudo edgehands setup` with a config of one's own
        os.chown(path, 1234, 2345)
    before = path.stat()
    folders.write_whole(path, b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
