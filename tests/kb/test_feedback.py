"""用上了／不适用: what an account says of a case, and what halls together say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from datasette.app import Datasette

from kb import feedback
from kb.config import Settings
from kb.errors import Fault
from kb.store import Store
from kb.web import serve

from ..library import FULL, WITHDRAWN, fill
from ..people import call, sign_in
from ..sites import only

ADDRESS = f"/cases/{FULL.id}/feedback"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings) -> Iterator[Datasette]:
    with only("kb.web.plugin"):
        yield serve.make_datasette(settings)


def clerk(name: str, hall: str) -> dict[str, str]:
    return {"id": name, "hall_code": hall}


def test_halls_are_counted_once_and_the_latest_word_of_an_account_stands(settings: Settings) -> None:
    with Store(settings) as store:
        for name, hall in (("a", "350121"), ("b", "350121"), ("c", "430200"), ("d", "")):
            feedback.give(store, FULL.id, clerk(name, hall), "used")
        assert feedback.standings(store, [FULL.id, "none"], "a") == {FULL.id: feedback.Standing(2, 0, "used")}
        feedback.give(store, FULL.id, clerk("c", "430200"), "unsuited", "依据已变")
        found = feedback.standings(store, [FULL.id], "c")[FULL.id]
        assert found == feedback.Standing(1, 1, "unsuited", "依据已变") and found.said == "1 个大厅用上过"


def test_what_was_typed_is_kept_without_personal_data(settings: Settings) -> None:
    said = "我叫张伟，手机13812345678，商转公办不下来"
    with Store(settings) as store:
        feedback.give(store, FULL.id, clerk("a", "1"), "unsuited", "其他", note=said, question=said)
        row = next(store.workbench.query("select * from feedback"))
    assert "13812345678" not in f"{row}" and "〔手机号〕" in row["note"] and "商转公" in row["question"]


def test_strange_characters_are_no_fault(settings: Settings) -> None:
    with Store(settings) as store:
        feedback.give(store, FULL.id, clerk("a", "1"), "unsuited", "其他", note="\ud800\0好", question="\udfff")
        assert feedback.standings(store, [FULL.id])[FULL.id].unsuited == 1


@pytest.mark.parametrize(("kind", "reason"), [("unsuited", ""), ("unsuited", "不喜欢"), ("liked", "")])
def test_only_words_of_the_list_are_taken(settings: Settings, kind: str, reason: str) -> None:
    with Store(settings) as store, pytest.raises(Fault):
        feedback.give(store, FULL.id, clerk("a", "1"), kind, reason)


def test_the_description_lists_the_reasons() -> None:
    described = yaml.safe_load(Path("kb/web/openapi/feedback.yml").read_text(encoding="utf-8"))
    body = described["paths"]["/cases/{id}/feedback"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["reason"]["enum"] == ["", *feedback.settings()["reasons"]]


async def test_a_clerk_says_it_and_everybody_sees_the_count(site: Datasette, settings: Settings) -> None:
    mine, other = sign_in(settings, "window"), sign_in(settings, "window", hall="430200")
    assert (await call(site, "POST", ADDRESS, mine, json={"kind": "used"})).json()["said"] == "1 个大厅用上过"
    given = (await call(site, "POST", ADDRESS, other, json={"kind": "unsuited", "reason": "情况不同"})).json()
    assert (given["halls"], given["unsuited"], given["mine"], given["reason"]) == (1, 1, "unsuited", "情况不同")
    assert (await call(site, "GET", ADDRESS, mine)).json()["mine"] == "used"


async def test_strangers_and_unknown_cases_are_refused(site: Datasette, settings: Settings) -> None:
    assert (await call(site, "POST", ADDRESS, json={"kind": "used"})).status_code == 401
    mine = sign_in(settings, "window")
    for case_id in (WITHDRAWN.id, "none"):
        assert (await call(site, "POST", f"/cases/{case_id}/feedback", mine, json={"kind": "used"})).status_code == 404
        assert (await call(site, "GET", f"/cases/{case_id}/feedback", mine)).status_code == 404
    assert (await call(site, "POST", ADDRESS, mine, json={"kind": "unsuited"})).status_code == 400
    assert (await call(site, "POST", ADDRESS, mine, json={"kind": "used", "note": "长" * 1001})).status_code == 400
