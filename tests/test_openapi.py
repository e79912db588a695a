"""The API against its own description: schemathesis asks every operation, with every role and as a stranger.

Two libraries, so that nothing that the strong account publishes comes before the stranger. Each operation has things of
its own (`_own`): what one deletes is not missed by the next.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from kb import playbooks, submissions
from kb.accounts import Account, people, tokens
from kb.accounts.rights import ROLES
from kb.config import Access, Settings
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Draft, Store
from kb.web.api import METHODS
from search import unmet, watches
from search.calibration import NONE
from search.insight import classes

from .library import FULL, REFUSED, TWIN, WITHDRAWN, fill
from .people import sign_in
from .servers import serving

schemathesis = pytest.importorskip("schemathesis", reason="没有安装 schemathesis")
GenerationMode = schemathesis.GenerationMode
HOME = Path(__file__).parents[1]
SECRET = "草稿里才有的一句话"
HALL, PASSWORD = "350121", "huiyi-shuangmu-79"
LEDGER = "诉求,卡点,办法\n想办理营业执照,材料缺一份,协调以后当场办结\n".encode()
CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method",
)  # fmt: skip
EXAMPLES = settings(
    max_examples=3, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def _operations() -> Iterator[tuple[str, str]]:
    for file in sorted(HOME.glob("*/**/openapi/*.yml")):
        for path, item in yaml.safe_load(file.read_text(encoding="utf-8")).get("paths", {}).items():
            yield from ((path, method) for method in METHODS if method in item)


#: A new password ends the session with which all is asked: it comes last.
OPERATIONS = sorted(_operations(), key=lambda each: (each[0] == "/me/password", each))
#: What has to be in a request to be granted, where chance would not find it.
GRANTED: dict[tuple[str, str], dict[str, Any]] = {
    ("/accounts", "post"): {"body": {"id": "xin", "hall_code": HALL, "roles": ["window"]}},
    ("/accounts/{id}", "patch"): {"path_parameters": {"id": "other"}},
    ("/barrier-rules", "post"): {"body": {"words": "公积金"}},
    ("/barrier-rules/{id}", "put"): {"body": {"words": "公积金"}},
    ("/drafts", "post"): {"body": {"demand": "想开一家小店", "submit": True}},
    ("/drafts/{id}", "put"): {"body": {"demand": "想开一家小店"}},
    ("/drafts/{id}/merge", "post"): {"body": {"into": FULL.id, "cleared": True}},
    ("/hall-name", "get"): {"query": {"q": HALL}},
    ("/playbooks/{id}", "put"): {"body": {"title": "楼栋号前后不一致"}},
    ("/playbooks/{id}/cases", "post"): {"body": {"case_ids": [FULL.id]}},
    ("/playbooks/{id}/state", "post"): {"body": {"state": "trial", "cleared": True}},
    ("/rules", "post"): {"body": {"rule": "国务院令第350号", "change": "修订"}},
    ("/me/password", "post"): {"body": {"old": PASSWORD, "new": PASSWORD}},
    ("/unmet/{id}/close", "post"): {"body": {"reason": "不需要先例"}},
    ("/watches", "post"): {"body": {"question": "公积金"}},
    ("/uploads", "post"): {"query": {"name": "台账.csv"}, "body": LEDGER},
}


def _own(path: str, method: str) -> list[Any]:
    """Ids of the things that an operation whose path names one is asked for."""
    kind = path.split("{")[0]
    at = [each for each in OPERATIONS if each[0].startswith(kind + "{")].index((path, method))
    if kind == "/drafts/":
        return [f"{at:06x}{stage:0<8}" for stage in submissions.STAGES]
    if kind in ("/watches/", "/unmet/", "/tokens/"):
        return [at + 1]
    if kind == "/cases/":
        gone = {"/cases/{id}/withdraw": [REFUSED.id], "/cases/{id}/revise": [TWIN.id]}
        return gone.get(path, [FULL.id, WITHDRAWN.id])
    return [HALL] if kind == "/halls/" else []


def _fill(chosen: Settings) -> None:
    """The small library, and of what stays in the workbench something for every operation."""
    fill(chosen)
    ids = {case_id for each in OPERATIONS if each[0].startswith("/drafts/{") for case_id in _own(*each)}
    with Store(chosen) as store:
        strong = Account("strong", "样样都行", HALL, "闽侯县政务服务中心", tuple(ROLES))
        people.add(store, strong, PASSWORD)
        people.add(store, Account("other", "别人", HALL, "闽侯县政务服务中心", ("window",)))
        drafts = [Case(each, hall=FULL.hall, demand=f"{SECRET}{each}", measure="协调以后办成了") for each in ids]
        store.save_drafts([Draft(case, []) for case in drafts], "strong")
        for case_id in ids:
            submissions.put(store, [case_id], case_id[6:].rstrip("0"), "strong", HALL)
        for number in range(5):
            watches.add(store, "strong", "", f"公积金{number}", {})
        tokens.add(store, "strong", "接口", ["read"])
        for path, _ in OPERATIONS:
            if path.startswith("/classes/") and path != "/classes/propose":
                _classes(store, path)
        told = {"obstacle": FULL.obstacle, "steps": [{"action": "当面会商", "cases": [FULL.id]}]}
        playbooks.create(store, Playbook(title="楼栋号不一致", case_ids=[FULL.id], **told), "strong")
        for question in ("想去火星种土豆", "月球上开一家理发店", "给恐龙化石上户口"):
            unmet.record(store, question, NONE)


def _classes(store: Store, path: str) -> None:
    """Two classes of two cases each for the operation at `path`."""
    for title in (f"{path} 1", f"{path} 2"):
        ids = [f"{crc32(f'{title}{n}'.encode()):012x}" for n in range(2)]
        told = {"hall": FULL.hall, "obstacle": "楼栋号前后不一致", "measure": "当面会商以后办成了", "outcome": "办成"}
        store.publish([Case(case_id, title=f"{title}的案例{case_id}", **told) for case_id in ids], by="测试")
        classes.make(store, ids, "strong", title)


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description, from which an account with every role makes its requests."""
    chosen = _settings(tmp_path_factory)
    with serving(chosen) as address:
        session = "; ".join(f"{name}={value}" for name, value in sign_in(chosen, account="strong").items())
        yield _described(address, {"Cookie": session, "X-KB": "1"})


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description, from which somebody without an account makes requests."""
    with serving(_settings(tmp_path_factory)) as address:
        yield _described(address, {"X-KB": "1"})


def _settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("openapi") / "kb-data"
    folder.mkdir()
    (folder / "kb.toml").write_text('[embedding]\nmodel = "fake"\n[access]\nopen = true\n', "utf-8")
    chosen = Settings(folder, embedding_model="fake", access=Access(open=True))
    _fill(chosen)
    return chosen


def _described(address: str, headers: dict[str, str]) -> Any:
    checks = {"enabled": False, **{name: {"enabled": True} for name in CHECKED}}
    checks["negative_data_rejection"] = {"enabled": True, "expected-statuses": ["4xx"]}  # 413 as well
    config = schemathesis.Config.from_dict({"headers": headers, "checks": checks})
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", headers=headers, config=config)


def _made(operation: Any) -> dict[str, Any]:
    """What a request needs of things whose ids nobody knows beforehand."""
    kind = operation.path.split("{")[0]
    if kind == "/uploads/":
        return {"path_parameters": {"id": _uploaded(operation)}}
    if kind == "/playbooks/":
        return {"path_parameters": {"id": _ask(operation, "GET", "/playbooks")["playbooks"][0]["id"]}}
    if kind == "/barrier-rules/":
        return {"path_parameters": {"id": _ask(operation, "POST", "/barrier-rules", json={"words": "营业执照"})["id"]}}
    if kind == "/barriers/":
        return {"path_parameters": {"id": _ask(operation, "GET", "/classes")["classes"][0]["id"]}}
    if not kind.startswith("/classes/") or operation.path == "/classes/propose":
        return {}
    own, other = (
        next(each for each in _ask(operation, "GET", "/classes")["classes"] if each["title"] == f"{operation.path} {n}")
        for n in (1, 2)
    )
    bodies = {
        "/classes/{id}/split": {"case_ids": own["case_ids"][:1]}, "/classes/{id}/rename": {"title": "另一个名字"},
        "/classes/assign": {"case_ids": own["case_ids"][:1], "class_id": other["id"]},
        "/classes/merge": {"ids": [own["id"], other["id"]]},
    }  # fmt: skip
    body = {"body": bodies[operation.path]} if operation.path in bodies else {}
    return {**body, **({"path_parameters": {"id": own["id"]}} if "{id}" in operation.path else {})}


def _uploaded(operation: Any) -> str:
    """The id of a file that has been read and waits for the word of its owner; what is given up need not be read."""
    number = str(_ask(operation, "POST", "/uploads?name=台账.csv", content=LEDGER)["id"])
    if operation.method.lower() == "delete":
        return number
    deadline = time.monotonic() + 60
    while _ask(operation, "GET", f"/uploads/{number}")["stage"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.1)  # the file is read by another thread
    return number


def _ask(operation: Any, method: str, path: str, **more: Any) -> Any:
    headers = dict(operation.schema.config.headers)
    return httpx.request(method, operation.base_url + path, headers=headers, **more).json()


def _tried(operation: Any, granted: dict[str, Any], check: Callable[[Any], None]) -> None:
    """`check` answers to requests that fit the description and to such that do not."""
    path, method = operation.path, operation.method.lower()
    name = re.search(r"{(\w+)}", path)
    aims = [{"path_parameters": {name[1]: each}} for each in _own(path, method)] if name else []
    aims = [{**aim, **granted} for aim in aims] or [granted]
    for aim in (*aims, {}):
        _sent(operation.as_strategy(**aim), check)
    with contextlib.suppress(Unsatisfiable):  # nothing in such a request could be wrong
        _sent(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), check)


def _sent(requests: Any, check: Callable[[Any], None]) -> None:
    @EXAMPLES
    @given(case=requests)
    def once(case: Any) -> None:
        check(case.call_and_validate())

    once()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(strong: Any, path: str, method: str) -> None:
    statuses: Counter[int] = Counter()
    operation, granted = strong[path][method], GRANTED.get((path, method), {})
    granted = {**granted, **_made(operation)}
    _tried(operation, granted, lambda answer: statuses.update([answer.status_code]))
    assert min(statuses) < 300, f"nothing was granted: {statuses}"


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_a_stranger_gets_no_error_of_ours_and_no_draft(stranger: Any, path: str, method: str) -> None:
    def check(answer: Any) -> None:
        assert SECRET.encode() not in answer.content

    _tried(stranger[path][method], GRANTED.get((path, method), {}), check)


def test_a_whole_number_with_a_point_is_an_integer(strong: Any) -> None:
    assert _ask(strong["/search"]["post"], "POST", "/search", json={"q": "公积金", "k": 1.0})["results"]


def test_the_description_is_openapi_3_1(stranger: Any) -> None:
    stranger.validate()
    assert stranger.raw_schema["openapi"].startswith("3.1.")


def test_operations_are_named_in_one_way(stranger: Any) -> None:
    found = [stranger[path][method].definition.raw["operationId"] for path, method in OPERATIONS]
    assert len(set(found)) == len(found)
    assert [name for name in found if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)] == []
