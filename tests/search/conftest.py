"""A small library that every test of search may use: a dozen cases, the test embedder, no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from kb.web import serve
from search.embedder.fake import FakeEmbedder
from search.engine.embedded import EmbeddedEngine
from search.precedents import Precedents

from ..library import without_model
from ..sites import only
from . import barriers

CHANGSHA = {"province": "湖南省", "city": "长沙市", "county": "岳麓区", "code": "430104"}
JINING = {"province": "山东省", "city": "济宁市", "county": "兖州区", "code": "370812"}

CASES = [
    Case("a1", source_no="2024-001", title="不动产权证加名字", region=CHANGSHA,
         domain="不动产", demand="婚前买的房子，想在不动产权证上加上妻子的名字。",
         obstacle="房屋尚有抵押，登记中心不予受理。",
         barriers=["互为前置"], measure="窗口联系银行，办理带押变更登记，当场受理。", outcome="办成",
         matter={"name": "不动产转移登记"}, closed="2024-05-08", working_days=3, lead_dept="不动产登记中心",
         basis=[{"title": "关于协同做好不动产“带押过户”的通知", "doc_no": "自然资发〔2023〕29号",
                 "valid": True}]),
    Case("a2", source_no="2024-002", title="公积金异地提取", region=CHANGSHA, domain="公积金",
         demand="在外地工作，想提取老家的住房公积金交房租。", obstacle="系统查不到异地缴存记录。",
         barriers=["跨部门跨层级跨区域"], measure="通过跨省通办窗口核验缴存记录后提取。", outcome="办成",
         closed="2023-11-20"),
    Case("a3", source_no="2024-003", title="社保卡人脸认证不通过", region=JINING, domain="社保",
         demand="老人刷脸认证总是失败，领不了养老金。", barriers=["数字鸿沟与实名认证"],
         measure="工作人员上门核实身份，线下办理资格认证。", outcome="办成", closed="2024-02-01"),
    Case("a4", title="食品店执照与许可互为前置", region=JINING,
         domain="市场准入", demand="开小餐馆办不下许可证。",
         obstacle="营业执照与食品经营许可互为前置。", barriers=["互为前置"],
         measure="容缺受理，两个许可并联审批。依据国办发〔2023〕29号。",
         outcome="部分办成", closed="2024-06-30"),
    Case("a5", title="补办出生医学证明", demand="孩子的出生医学证明丢了，落不了户口。",
         measure="由卫健部门查档补发。", outcome="办成"),
]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return without_model(tmp_path / "library")


@pytest.fixture
def made(settings: Settings) -> tuple[Settings, dict[str, str]]:
    """A library of hidden barriers, and the ids of its classes by name."""
    return settings, barriers.fill(settings)


@pytest.fixture
def site(made: tuple[Settings, dict[str, str]]) -> Iterator[Datasette]:
    """The pages of the library of hidden barriers."""
    with only("kb.web.plugin", "search.web"):
        yield serve.make_datasette(made[0])


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A library with `CASES` published, not yet indexed."""
    with Store(settings) as store:
        store.publish(CASES, by="test")
        yield store


@pytest.fixture
def engine(settings: Settings, store: Store) -> EmbeddedEngine:
    """An engine whose index holds `CASES`."""
    engine = EmbeddedEngine(settings, FakeEmbedder())
    engine.sync(store)
    return engine


@pytest.fixture
def precedents(settings: Settings, engine: EmbeddedEngine) -> Precedents:
    return Precedents(settings, engine)
