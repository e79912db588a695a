"""Suggestions while someone types, and the route that gives them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from kb.web import serve
from search import asking, suggestions
from search.suggestions import KINDS, LONGEST, suggest

from ..sites import only

CASES = [
    Case("s1", title="社保卡人脸认证不通过", matter={"name": "社会保障卡补换", "standard": "社会保障卡申领"}),
    Case("s2", title="补领社保卡要回户籍地", matter={"name": "社会保障卡申领"}),
    Case("s3", title="银行行长签字才能解押", matter={"name": "不动产抵押权注销登记"}),
    Case("s4", title="老人领不到养老金", matter={"name": "养老金领取资格认证"}),
    Case("s5", title="老人领不到养老金", matter={"name": "养老金领取资格认证"}),
    Case("s6", title="长期居住证明开不出来" + "啊" * 60),
    Case("s7", title="〔姓名1〕的社保卡"),
    Case("s8", title="KTV办不了许可\n换了法人"),
]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path / "library")) as store:
        store.publish(CASES, by="测试")
        store.publish([Case("s9", title="社保撤下的案例")], by="测试")
        store.withdraw("s9", by="测试", reason="测试")
        yield store


def texts(store: Store, typed: str, k: int = 8) -> list[str]:
    return [one["text"] for one in suggest(store, typed, k)]


def test_matters_come_first_and_carry_their_number_of_cases(library: Store) -> None:
    assert suggest(library, "社") == [
        {"text": "社会保障卡申领", "kind": "事项", "count": 2},
        {"text": "社保卡人脸认证不通过", "kind": "标题", "count": 1},
        {"text": "补领社保卡要回户籍地", "kind": "标题", "count": 1},
    ]


def test_what_several_cases_are_called_is_a_frequent_question(library: Store) -> None:
    found = suggest(library, "老人")
    assert found == [{"text": "老人领不到养老金", "kind": "常问", "count": 2}]
    assert [one["kind"] for one in suggest(library, "养老金")] == ["事项", "常问"]


def test_what_people_ask_often_is_offered(library: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions.unmet, "frequent", lambda store: [("公积金怎么提取", 7), ("问" * 90, 4)])
    assert suggest(library, "提取") == [{"text": "公积金怎么提取", "kind": "常问", "count": 7}]
    assert texts(library, "问") == ["问" * LONGEST]


@pytest.mark.parametrize("typed", ["sb", "SB", "ｓｂ", "shebao", "sheb", "she bao", "she'bao", "shebaok", "社保"])
def test_pinyin_initials_and_widths(library: Store, typed: str) -> None:
    assert "社保卡人脸认证不通过" in texts(library, typed)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("yinhang", "银行行长签字才能解押"),
        ("hangzhang", "银行行长签字才能解押"),
        ("changqi", "长期居住证明开不出来"),
        ("ktv", "KTV办不了许可 换了法人"),
        ("養老", "老人领不到养老金"),
        ("jiya", "银行行长签字才能解押"),
    ],
)
def test_readings_and_traditional_characters(library: Store, typed: str, text: str) -> None:
    found = [one for one in texts(library, typed) if one.startswith(text)]
    assert bool(found) is (typed != "jiya"), "a syllable must not begin inside another one"


def test_a_match_at_the_beginning_comes_first(library: Store) -> None:
    assert texts(library, "社保")[0] == "社保卡人脸认证不通过"


def test_suggestions_are_short_and_on_one_line(library: Store) -> None:
    found = [*texts(library, "长期"), *texts(library, "ktv")]
    assert found and all(len(text) <= LONGEST and "\n" not in text for text in found)


def test_no_placeholder_and_nothing_withdrawn(library: Store) -> None:
    everything = {text for char in "社的姓撤老银" for text in texts(library, char, 50)}
    assert everything and not any("〔" in text or "撤下" in text for text in everything)


@pytest.mark.parametrize("typed", ["", "   ", "\n", "　"])
def test_nothing_typed_nothing_suggested(library: Store, typed: str) -> None:
    assert suggest(library, typed) == []


def test_the_number_of_suggestions_is_kept(library: Store) -> None:
    assert len(texts(library, "社", 2)) == 2
    assert texts(library, "社", 0) == texts(library, "社", -3) == []


def test_a_change_of_the_library_shows(library: Store) -> None:
    assert texts(library, "契税") == []
    library.publish([Case("s10", title="契税补贴领不到")], by="测试")
    assert texts(library, "契税") == ["契税补贴领不到"]


def test_a_large_library_is_read_again_aside(library: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "LONG", 0)
    monkeypatch.setattr(suggestions, "REST", 0)
    texts(library, "契税")
    library.publish([Case("s10", title="契税补贴领不到")], by="测试")
    assert texts(library, "契税") == []
    for thread in threading.enumerate():
        if thread.name == "suggestions":
            thread.join()
    assert texts(library, "契税") == ["契税补贴领不到"]


def test_what_was_taken_back_is_not_offered_even_then(library: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    library.publish([Case("s10", title="契税补贴领不到")], by="测试")
    monkeypatch.setattr(suggestions, "LONG", 0)
    assert texts(library, "契税") == ["契税补贴领不到"]
    library.withdraw("s10", by="测试", reason="测试")
    assert texts(library, "契税") == []


def test_playbooks_are_offered_where_a_library_keeps_them(library: Store) -> None:
    library.publish([Case("s11", title="换公积金地址", playbook="p1")], by="测试")
    library.library.table("playbooks").insert({"id": "p1", "title": "公积金楼栋号不一致怎么办"}, pk="id")
    assert suggest(library, "公积金")[0] == {"text": "公积金楼栋号不一致怎么办", "kind": "一类事", "count": 1}


def test_an_empty_library_suggests_nothing(tmp_path: Path) -> None:
    with Store(Settings(tmp_path / "empty")) as store:
        assert suggest(store, "社保") == suggest(store, "sb") == []


@given(st.text(alphabet=st.characters(codec=None)), st.integers(-5, 100))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_answered(library: Store, typed: str, k: int) -> None:
    assert all(one["kind"] in KINDS for one in suggest(library, typed, k))


def test_spellings_cut_letters_into_syllables() -> None:
    assert "XiAn" in suggestions._spellings("xian") and "Xian" in suggestions._spellings("xian")
    assert suggestions._spellings("sheb") == ["SheB"]
    assert suggestions._spellings("vv") == []
    assert len(suggestions._spellings("xian" * 10)) <= 8


def test_threads_share_one_index(library: Store) -> None:
    answers: list[list[dict[str, Any]]] = []

    def ask() -> None:
        with Store(library.settings) as store:
            answers.append(suggest(store, "社保"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4 and all(answer == answers[0] for answer in answers)


class Searcher:
    """Stands for the searcher: it only has the library."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def store(self) -> Store:
        return Store(self.settings)

    def find(self, text: str, k: int = 10) -> None:
        """Called when the server warms up."""


async def test_the_route_answers(library: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "precedents", Searcher)
    with only("kb.web.plugin", "search.web"):
        site: Datasette = serve.make_datasette(library.settings)
        answer = await site.client.get("/api/suggest.json?q=shebao")
        assert answer.status_code == 200
        assert answer.json()["suggestions"][0]["text"] == "社保卡人脸认证不通过"
        assert "社保" in answer.text
        assert (await site.client.get("/api/suggest.json")).json() == {"suggestions": []}
