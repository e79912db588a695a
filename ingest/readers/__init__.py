"""Readers: one module per kind of office file; each turns a file into records with their places.

A file is what its bytes say, not what its name says: an .xls that is a web page inside is read as one, a
photo called .xlsx is refused. A reader is a function `(path, name) -> Reading`; another package adds one for
its extension with the hook `kb_readers`.
"""

from __future__ import annotations

import importlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msoffcrypto
import olefile

from ingest import columns
from ingest.records import Reading
from ingest.registers import link_files
from kb.plugins import manager

from . import archive
from .encoding import decode
from .limits import Unreadable, check_file

#: Extension → module of this package that reads it.
_TEXTS = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".html": "html", ".htm": "html", ".mht": "html", ".txt": "text", ".text": "text", ".md": "text",
}  # fmt: skip
_TABLE_EXTENSIONS = (".xls", ".et", ".xlsx", ".xlsm")
_OTHER = {
    ".doc": "旧版 Word 文件（.doc）不能直接读取，请用 Word 或 WPS 另存为 .docx 后导入",
    ".wps": "WPS 文字文件（.wps）不能直接读取，请用 WPS 另存为 .docx 后导入",
    ".pdf": "PDF 不能直接读取，请提供原来的 Word 或 Excel 文件",
    ".ods": "OpenDocument 表格不能直接读取，请另存为 .xlsx 后导入",
    ".odt": "OpenDocument 文档不能直接读取，请另存为 .docx 后导入",
    ".xlsb": "二进制 Excel 文件（.xlsb）不能直接读取，请另存为 .xlsx 后导入",
    ".ofd": "OFD 版式文件不能直接读取，请提供原来的 Word 或 Excel 文件",
    ".rtf": "RTF 文件不能直接读取，请另存为 .docx 后导入",
    ".rar": "RAR 压缩包不能直接读取，请解压后导入文件夹，或改用 .zip 打包",
    ".7z": "7z 压缩包不能直接读取，请解压后导入文件夹，或改用 .zip 打包",
}  # fmt: skip
_SIGNATURES = (
    (b"\x89PNG", "这其实是一张图片，不是表格或文档；请提供可以复制文字的原件"),
    (b"\xff\xd8\xff", "这其实是一张图片，不是表格或文档；请提供可以复制文字的原件"),
    (b"GIF8", "这其实是一张图片，不是表格或文档；请提供可以复制文字的原件"),
    (b"BM\x00", "这其实是一张图片，不是表格或文档；请提供可以复制文字的原件"),
    (b"%PDF", _OTHER[".pdf"]),
    (b"Rar!", _OTHER[".rar"]),
    (b"7z\xbc\xaf", _OTHER[".7z"]),
    (b"{\\rtf", _OTHER[".rtf"]),
    (b"\x1f\x8b", "这是 gzip 压缩文件，请解压后再导入"),
    (b"MZ", "这是程序文件，不能导入"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PASSWORD = (
    "文件设有打开密码，无法读取。请在 Excel 或 Word 中打开后去掉密码（文件→信息→保护工作簿／保护文档→"
    "用密码进行加密，清空密码后保存），再重新导入"
)
_BROKEN = "文件已损坏或没有传完，无法打开；请打开原件核对，另存后重新导入"
_UNKNOWN = "不支持的文件类型；可以导入 .xlsx .xls .csv .jsonl .docx .html .txt，以及它们的文件夹或 .zip"


def read(path: Path, display_name: str | None = None) -> Reading:
    """Read one file, whatever it is; never raises for what is in it.

    A .zip gives the readings of its members as one. `display_name` (default: the file's name) is what places
    and reports call the file.
    """
    name = display_name or path.name
    try:
        check_file(path)
        if _is_plain_zip(path):
            found = list(archive.members(path, name, _read_one))
            link_files([reading for _, reading in found])
            return _as_one(found)
    except Unreadable as reason:
        return Reading(rejected=str(reason))
    reading = _read_one(path, name)
    link_files([reading])
    return reading


def read_all(paths: Iterable[Path]) -> Iterator[tuple[str, Reading]]:
    """(display name, reading) of every file given or found in the folders given, in order of names.

    Files of one folder (or one .zip) that hold registers of the same matters are linked by 编号 before they
    are handed out. Display names are relative to the folder given; members of archives are `包.zip/成员`.
    """
    for path in paths:
        if path.is_dir():
            yield from _folder(path)
        elif path.exists():
            yield from read_apart(path, path.name)
        else:
            yield path.name, Reading(rejected="没有这个文件或文件夹，请核对路径")


def refusal(path: Path, name: str) -> str:
    """Why a file cannot be read at all, as far as its first bytes tell (Chinese); empty if it may be readable.

    What is packed (office files, .zip) is not opened: that is for `read` alone.
    """
    try:
        check_file(path)
        with path.open("rb") as stream:
            head = stream.read(4096)
        if not head.startswith((_OLE, b"PK")):
            _reader(path, Path(name).suffix.lower())
    except Unreadable as reason:
        return str(reason)
    return ""


def read_apart(path: Path, name: str) -> Iterator[tuple[str, Reading]]:
    """(display name, reading) of one file that reports call `name`: of a .zip those of its members, each apart."""
    yield from _linked(_one(path, name))


def _folder(root: Path) -> Iterator[tuple[str, Reading]]:
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not archive.is_hidden(name))
        here = Path(folder)
        shown = ((here / name, (here / name).relative_to(root).as_posix()) for name in sorted(files))
        yield from _linked(
            pair for path, name in shown if not archive.is_hidden(path.name) for pair in _one(path, name)
        )


def _one(path: Path, name: str) -> Iterator[tuple[str, Reading]]:
    try:
        check_file(path)
        if not _is_plain_zip(path):
            yield name, _read_one(path, name)
            return
        yield from archive.members(path, name, _read_one)
    except Unreadable as reason:
        yield name, Reading(rejected=str(reason))
    except OSError:
        yield name, Reading(rejected="文件打不开（可能正被别的程序占用，或没有读取权限）")


def _linked(found: Iterable[tuple[str, Reading]]) -> Iterator[tuple[str, Reading]]:
    """The readings of one folder, linked by 编号; those without numbers are handed on at once."""
    held: list[tuple[str, Reading]] = []
    for name, reading in found:
        if reading.loose or any(record.values.get("source_no") for record in reading.records):
            held.append((name, reading))
        else:
            yield name, reading
    link_files([reading for _, reading in held])
    yield from held


def _as_one(found: Iterable[tuple[str, Reading]]) -> Reading:
    whole = Reading()
    for name, reading in found:
        whole.records += reading.records
        whole.columns.update(reading.columns)
        whole.problems += reading.problems
        whole.rows += reading.rows
        if reading.rejected:
            whole.rejected += f"{name}：{reading.rejected}\n"
    if whole.records or whole.rows:
        whole.rejected = ""
    return whole


# ---- which reader ------------------------------------------------------------------------------------------


def _read_one(path: Path, name: str) -> Reading:
    """Read one file that is no plain archive."""
    try:
        check_file(path)
        reader = _reader(path, Path(name).suffix.lower())
        reading: Reading = reader(path, name)
        return reading
    except Unreadable as reason:
        return Reading(rejected=str(reason))


def _reader(path: Path, extension: str) -> Any:
    """The function that reads this file. Raises Unreadable with the reason if there is none."""
    for plugin in manager().hook.kb_readers():
        if extension in plugin:
            return plugin[extension]
    with path.open("rb") as stream:
        head = stream.read(4096)
    for signature, reason in _SIGNATURES:
        if head.startswith(signature):
            raise Unreadable(reason)
    if head.startswith(_OLE):
        return _module(_ole_kind(path, extension))
    if head.startswith(b"PK"):
        return _module(_package_kind(path, extension))
    if extension in _OTHER:
        raise Unreadable(_OTHER[extension])
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if extension in _TABLE_EXTENSIONS:
        return _module(_text_kind(start, head, extension))
    if extension == ".docx":
        raise Unreadable("这不是 Word 文档，请用 Word 或 WPS 打开原件，另存为 .docx 后重新导入")
    if extension == ".txt" and _is_table(head):
        return _module("csv")
    if extension in _TEXTS:
        return _module(_TEXTS[extension])
    raise Unreadable(_UNKNOWN)


def _ole_kind(path: Path, extension: str) -> str:
    try:
        with olefile.OleFileIO(path) as ole:
            streams = {entry[0] for entry in ole.listdir()}
        with path.open("rb") as stream:
            locked = "EncryptedPackage" in streams or msoffcrypto.OfficeFile(stream).is_encrypted()
    except Exception as error:  # a damaged container fails in any way; what is inside cannot be told
        if extension in (".xlsx", ".xlsm", ".docx"):
            raise Unreadable(_PASSWORD) from error
        raise Unreadable(_BROKEN) from error
    if locked:
        raise Unreadable(_PASSWORD)
    if streams & {"Workbook", "Book"}:
        return "xls"
    raise Unreadable(_OTHER[".doc"] if "WordDocument" in streams else _UNKNOWN)


def _package_kind(path: Path, extension: str) -> str:
    try:
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable(_BROKEN) from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.bin" in names:
        raise Unreadable(_OTHER[".xlsb"])
    raise Unreadable(_OTHER.get(extension, _UNKNOWN))


def _text_kind(start: bytes, head: bytes, extension: str) -> str:
    """What a file is that is called a work book but is text."""
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head or start.startswith((b"<", b"mime-version")):
        return "webtable"
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"不是真正的 {extension} 表格，内容无法识别；请用 Excel 或 WPS 打开原件，另存为 .xlsx 后导入")
    if head.count(b"\t") + head.count(b",") >= 2:
        return "csv"
    raise Unreadable(f"不是真正的 {extension} 表格，内容无法识别；请用 Excel 或 WPS 打开原件，另存为 .xlsx 后导入")


def _is_table(head: bytes) -> bool:
    """Whether a plain text begins with a row of column names."""
    text, _ = decode(head)
    for line in text.splitlines()[:5]:
        for delimiter in "\t,":
            cells = line.split(delimiter)
            if len(cells) >= 3 and sum(map(columns.is_known, cells)) >= 0.75 * len(cells):
                return True
    return False


def _is_plain_zip(path: Path) -> bool:
    """Whether a file is a packed folder rather than an office file."""
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return False
    try:
        with zipfile.ZipFile(path) as package:
            return "[Content_Types].xml" not in package.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}").read
