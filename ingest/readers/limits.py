"""Limits on what one input file may hold (`limits.yml`), and the error that a reader raises beyond them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

MB = 1_000_000


class Unreadable(Exception):
    """A file that cannot be read at all; the message is the Chinese reason, with what the clerk can do."""


@dataclass(frozen=True)
class Limits:
    """The numbers of `limits.yml`, under the same names."""

    max_file_mb: int
    max_unpacked_mb: int
    max_part_mb: int
    max_ratio: int
    ratio_from_mb: int
    max_members: int
    max_archive_mb: int
    max_rows: int
    max_columns: int
    max_cell_chars: int
    max_line_mb: int


@cache
def limits() -> Limits:
    """The limits in force."""
    return Limits(**yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8")))


def check_file(path: Path) -> None:
    """Raise Unreadable if the file is empty or larger than allowed."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("文件是空的（0 字节），可能没有保存或没有传完，请重新导出或重新拷贝后再导入")
    if size > limits().max_file_mb * MB:
        raise Unreadable(f"文件有 {size // MB} MB，超过 {limits().max_file_mb} MB 的上限，请拆成几个文件再导入")


def check_package(archive: zipfile.ZipFile) -> None:
    """Raise Unreadable if the parts of an office file (.xlsx, .docx) would unpack to too much.

    Looks only at the directory of the archive, so nothing is unpacked.
    """
    allowed = limits()
    total = 0
    for part in archive.infolist():
        total += part.file_size
        if part.file_size > allowed.max_part_mb * MB or total > allowed.max_unpacked_mb * MB or is_bomb(part):
            raise Unreadable(
                "文件解压后大得不正常（可能有超大单元格，或是恶意构造的压缩文件），为安全起见没有打开。"
                "请在 Excel 或 WPS 中删去多余内容后另存为新的 .xlsx 再导入"
            )


def is_bomb(part: zipfile.ZipInfo) -> bool:
    """Whether one packed part is large and packed far beyond what real text reaches."""
    large = part.file_size > limits().ratio_from_mb * MB
    return large and part.file_size > limits().max_ratio * max(part.compress_size, 1)
