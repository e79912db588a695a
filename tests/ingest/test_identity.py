"""Which case a record is, when a file comes a second time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest import identity
from ingest.records import Place, Record
from kb.config import Settings
from kb.model import Case
from kb.store import KnownKey, Store

LONG = "买的商品房开发商已经注销，登记窗口要求双方到场，办不了转移登记，跑了六趟"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path / "data")) as opened:
        yield opened


def record(row: int, demand: str, number: str = "", file: str = "台账.xlsx") -> Record:
    values = {"demand": demand, **({"source_no": number} if number else {})}
    return Record(Place(file, "表", str(row), "xlsx"), values)


def meet(store: Store, records: Sequence[Record], known: dict[str, KnownKey]) -> list[identity.Identity]:
    pairs = [(identity.ways(r, "370881", b"k"), Case(id="", demand=r.values["demand"])) for r in records]
    found = identity.identify(pairs, store, known)
    store.publish((Case(id=i.case_id, demand=c.demand) for i, (_, c) in zip(found, pairs, strict=True)), "甲")
    known.update({key: KnownKey(i.case_id, i.ways.digest) for i in found for key in i.ways.names()})
    return found


def test_the_same_file_again_changes_nothing(store: Store) -> None:
    known: dict[str, KnownKey] = {}
    rows = [record(2, "甲"), record(3, "乙"), record(4, "乙"), record(5, "丙", "LF-1"), record(6, "丁", "LF-1")]
    first = meet(store, rows, known)
    second = meet(store, rows, known)
    assert len({i.case_id for i in first}) == 5
    assert [i.case_id for i in second] == [i.case_id for i in first]
    assert {i.change for i in second} == {"same"}


def test_a_corrected_row_is_a_revision(store: Store) -> None:
    known: dict[str, KnownKey] = {}
    (before,) = meet(store, [record(2, LONG)], known)
    (after,) = meet(store, [record(2, LONG + "，附件已补")], known)
    assert (after.case_id, after.change) == (before.case_id, "revised")


def test_the_same_place_in_another_halls_file_of_that_name_is_another_case(store: Store) -> None:
    first, second = record(2, LONG), record(2, LONG + "，附件已补")
    here, there = (Case(id="", demand=LONG, hall={"code": code}) for code in ("370881", "371521"))
    way = identity.ways(first, "370881", b"k")
    (before,) = identity.identify([(way, here)], store, {})
    store.publish([Case(id=before.case_id, demand=LONG, hall=here.hall)], "甲")
    known = {key: KnownKey(before.case_id, way.digest) for key in way.names()}
    (after,) = identity.identify([(identity.ways(second, "371521", b"k"), there)], store, known)
    assert after.change == "new" and after.case_id != before.case_id


def test_another_text_at_the_same_place_is_another_case(store: Store) -> None:
    known: dict[str, KnownKey] = {}
    (before,) = meet(store, [record(2, LONG)], known)
    (after,) = meet(store, [record(2, "船员换证要到市里按指纹，来回两百公里")], known)
    assert after.change == "new" and after.case_id != before.case_id


def test_a_row_put_in_front_moves_the_others_without_changing_them(store: Store) -> None:
    known: dict[str, KnownKey] = {}
    before = meet(store, [record(2, LONG), record(3, "子女投靠落户，门牌不一致")], known)
    after = meet(
        store, [record(2, "新的一件"), record(3, LONG), record(4, "子女投靠落户，门牌不一致")], known
    )
    assert [i.change for i in after] == ["new", "same", "same"]
    assert [i.case_id for i in after[1:]] == [i.case_id for i in before]


def test_a_number_follows_its_case_through_any_rewording_and_file(store: Store) -> None:
    known: dict[str, KnownKey] = {}
    (before,) = meet(store, [record(2, LONG, "A-1")], known)
    (after,) = meet(store, [record(9, "全部重写", "A-1", "导出.csv")], known)
    assert (after.case_id, after.change) == (before.case_id, "revised")


def test_ids_are_the_same_in_a_library_built_again(store: Store, tmp_path: Path) -> None:
    with Store(Settings(tmp_path / "other")) as other:
        rows = [record(2, "甲"), record(3, "乙", "LF-1")]
        assert [i.case_id for i in meet(store, rows, {})] == [i.case_id for i in meet(other, rows, {})]


def test_digest_shows_no_text_and_depends_on_the_secret() -> None:
    one = identity.digest(record(2, "张三"), b"a")
    assert one != identity.digest(record(2, "张三"), b"b") and "张三" not in one


def test_an_ingest_cut_off_before_it_remembered_its_keys_can_be_repeated(store: Store) -> None:
    before = meet(store, [record(2, "甲"), record(3, LONG, "A-1")], {})
    after = meet(store, [record(2, "甲"), record(3, LONG, "A-1")], {})
    assert [(i.case_id, i.change) for i in after] == [(i.case_id, "same") for i in before]
