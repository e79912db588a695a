"""Folders and packed folders: names, order, what is passed over, what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ingest.readers import read, read_all
from ingest.readers.limits import limits

CSV = "登记日期,诉求内容,办理过程\n2024-03-05,房产证丢了怎么补办,窗口当天补发\n"


def test_a_folder_is_walked_in_order_without_what_programs_leave_behind(tmp_path: Path) -> None:
    for name in (
        "b/二.csv",
        "b/~$二.xlsx",
        "a.csv",
        ".hidden.csv",
        "__MACOSX/x.csv",
        "Thumbs.db",
        "说明.pdf",
        "x.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(CSV, "utf-8")
    found = list(read_all([tmp_path]))
    assert sorted(name for name, _ in found) == ["a.csv", "b/二.csv", "x.py", "说明.pdf"]
    refused = {name: reading.rejected for name, reading in found if reading.rejected}
    assert "PDF" in refused["说明.pdf"] and "不支持" in refused["x.py"] and len(refused) == 2
    assert {record.place.file for _, reading in found for record in reading.records} == {"a.csv", "b/二.csv"}


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert [(name, bool(reading.rejected)) for name, reading in read_all([tmp_path / "无.csv"])] == [("无.csv", True)]


def test_members_of_an_archive_keep_their_chinese_names(tmp_path: Path) -> None:
    path = tmp_path / "包.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("台账/一月.csv", CSV)
        packed.writestr("__MACOSX/._一月.csv", "x")
    old = path.read_bytes()
    # As Windows packs it: GBK bytes and no UTF-8 flag.
    name, gbk = "台账/一月.csv".encode(), "台账/一月.csv".encode("gbk")
    padded = gbk + b" " * 0
    data = old.replace(name, padded + b"." * (len(name) - len(padded)))
    flags_off = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = flags_off.find(signature)
        flags_off[at + offset + 1] &= ~0x08
    (tmp_path / "旧.zip").write_bytes(bytes(flags_off))
    assert [shown for shown, _ in read_all([path])] == ["包.zip/台账/一月.csv"]
    assert [shown.rstrip(".") for shown, _ in read_all([tmp_path / "旧.zip"])] == ["旧.zip/台账/一月.csv"]


@pytest.mark.parametrize("name", ["../../越界.csv", "/etc/越界.csv", "C:\\越界.csv", "..\\..\\越界.csv"])
def test_no_member_reaches_out_of_the_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / "包.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(name, CSV)
    ((shown, reading),) = read_all([path])
    assert ".." not in shown and len(reading.records) == 1
    assert not list(tmp_path.parent.glob("**/越界.csv"))


def test_archives_in_archives_bombs_and_damage_are_refused_one_by_one(tmp_path: Path) -> None:
    inner = tmp_path / "内.zip"
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("a.csv", CSV)
    path = tmp_path / "包.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(inner, "1内.zip")
        packed.writestr("2大.csv", b"0" * (limits().ratio_from_mb * 1_000_000 + 1))
        packed.writestr("3好.csv", CSV)
    found = dict(read_all([path]))
    assert "压缩包里还有压缩包" in found["包.zip/1内.zip"].rejected
    assert "不正常" in found["包.zip/2大.csv"].rejected
    assert len(found["包.zip/3好.csv"].records) == 1


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "包.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.csv", CSV)
    path.write_bytes(path.read_bytes()[:60])
    assert "损坏" in read(path).rejected
    assert [bool(reading.rejected) for _, reading in read_all([path])] == [True]


def test_read_gives_the_members_of_an_archive_as_one(tmp_path: Path) -> None:
    path = tmp_path / "包.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.csv", CSV)
        packed.writestr("b.csv", CSV)
    assert [record.place.file for record in read(path).records] == ["包.zip/a.csv", "包.zip/b.csv"]
