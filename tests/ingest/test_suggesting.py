"""Fields proposed for a draft that somebody writes by hand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ingest.inference.similar import load_examples
from ingest.suggesting import FIELDS, suggest
from kb.config import Settings
from kb.model import Case
from kb.plugins import manager
from search.embedder.fake import FakeEmbedder

DRAFT = Case(
    id="",
    matter={"name": "养老待遇资格认证"},
    demand="覃玉兰老人卧床，手机刷脸认证总是通不过，养老金停发了",
    obstacle="人脸识别失败，没有线下渠道",
    measure="工作人员上门核验，当场恢复",
)


def test_empty_fields_are_proposed_with_confidence() -> None:
    found = suggest(DRAFT, FakeEmbedder().encode_passages)
    assert "数字鸿沟与实名认证" in found["barriers"][0] and "上门服务" in found["handling"][0]
    assert {"title", "domain", "nature"} <= set(found) <= set(FIELDS)
    assert all(0 < confidence <= 1 for _, confidence in found.values())


def test_what_is_filled_in_is_left_alone_and_the_outcome_never_proposed() -> None:
    filled = Case(id="", title="上门认证", domain="社会保障", demand=DRAFT.demand, measure="已当场办结，群众满意")
    found = suggest(filled)
    assert not {"title", "domain", "outcome"} & set(found)


def test_a_proposed_title_names_nobody() -> None:
    found = suggest(Case(id="", demand="覃玉兰，电话13800138000，要把房子过户给儿子", obstacle="覃玉兰的身份证过期"))
    assert "覃玉兰" not in str(found) and "13800138000" not in str(found)


def test_an_empty_draft_gets_no_proposals_and_keeps_no_vector(tmp_path: Path) -> None:
    settings = Settings(tmp_path, embedding_model="fake")
    assert manager().hook.kb_suggest_fields(settings=settings, case=Case(id="")) == [{}]
    assert manager().hook.kb_suggest_fields(settings=settings, case=DRAFT)[0]["barriers"]
    with closing(sqlite3.connect(settings.index_dir / "embeddings.db")) as kept:  # those of the packaged examples
        assert kept.execute("select count(*) from embeddings").fetchone() == (len(load_examples()),)
