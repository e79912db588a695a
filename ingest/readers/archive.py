"""Packed folders (.zip): every member is read as a file of its own, under the name that the packer meant.

Members are unpacked one at a time into a temporary folder under names of our own, so that no path in the
archive can reach outside; sizes are checked against the directory of the archive before and while unpacking.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from ingest.records import Reading

from .limits import MB, Unreadable, is_bomb, limits

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_BROKEN = "压缩包已损坏或没有传完，请重新打包后再导入"


def members(path: Path, name: str, read: Callable[[Path, str], Reading]) -> Iterator[tuple[str, Reading]]:
    """(display name, reading) of every file in the archive, in order of names; `read` reads one file.

    Raises Unreadable if the archive as a whole cannot or must not be opened.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable(_BROKEN) from error
    with archive, tempfile.TemporaryDirectory(prefix="kb-") as folder:
        parts = [part for part in archive.infolist() if not part.is_dir()]
        _check(parts)
        for number, (shown, part) in enumerate(sorted((_name(part), part) for part in parts)):
            if is_hidden(shown):
                continue
            target = Path(folder) / f"{number}{PurePosixPath(shown).suffix.lower()[:10]}"
            display = f"{name}/{shown}"
            yield display, _member(archive, part, target, display, read)
            target.unlink(missing_ok=True)


def is_hidden(shown: str) -> bool:
    """Whether a path names something that a program left behind: ~$lock files, .DS_Store, __MACOSX …"""
    parts = PurePosixPath(shown).parts
    return any(part.startswith((".", "~$", "__MACOSX")) for part in parts) or parts[-1].lower() in (
        "thumbs.db",
        "desktop.ini",
    )


def _check(parts: list[zipfile.ZipInfo]) -> None:
    allowed = limits()
    if len(parts) > allowed.max_members:
        raise Unreadable(f"压缩包里有 {len(parts)} 个文件，超过 {allowed.max_members} 个的上限，请分成几个包")
    if sum(part.file_size for part in parts) > allowed.max_archive_mb * MB:
        raise Unreadable("压缩包解压后过大，为安全起见没有打开，请分成几个包或直接导入文件夹")


def _name(part: zipfile.ZipInfo) -> str:
    """The member's path: UTF-8 if flagged so, else GB18030 as Chinese Windows packs it; never outside."""
    shown = part.filename
    if not part.flag_bits & _UTF8_NAME:
        raw = shown.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                shown = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    inside = [step for step in shown.replace("\\", "/").split("/") if step not in ("", ".", "..")]
    return "/".join(step.replace(":", "：") for step in inside) or "未命名"


def _member(
    archive: zipfile.ZipFile,
    part: zipfile.ZipInfo,
    target: Path,
    display: str,
    read: Callable[[Path, str], Reading],
) -> Reading:
    if part.flag_bits & _ENCRYPTED:
        return Reading(rejected="压缩包设有密码，请解压后直接导入文件夹，或去掉密码重新打包")
    if part.file_size > limits().max_unpacked_mb * MB or is_bomb(part):
        return Reading(rejected="这个文件解压后大得不正常，为安全起见没有打开")
    try:
        with archive.open(part) as source, target.open("wb") as copy:
            left = limits().max_unpacked_mb * MB
            while left > 0 and (block := source.read(min(left, MB))):
                copy.write(block)
                left -= len(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        return Reading(rejected=_BROKEN)
    if zipfile.is_zipfile(target) and not _is_office(target):
        return Reading(rejected="压缩包里还有压缩包，请先解开里层再导入")
    return read(target, display)


def _is_office(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return "[Content_Types].xml" in archive.namelist()
