"""The frame of /api/v1: an OpenAPI 3.1 description gives the routes, checks what comes in, and is itself served.

Each floor keeps descriptions (YAML, one per subject, OpenAPI's `paths` and `components`) in a folder and a handler for
every `operationId`. The frame parses and validates parameters and JSON bodies against their schemas before a handler
is called; `x-right` names the action of kb.accounts.rights that the caller must be allowed to do at all. What depends
on the hall of a thing is for the handler to demand.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import jsonschema
import yaml
from datasette import Request, Response

from ..accounts import demand, may
from ..errors import Fault, Refused, TooLarge
from . import compat
from .shell import Library, may_here, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

ROOT = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")
MOST_BODY = 1_000_000  # bytes of a JSON body
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True)
class Call:
    """A request that the description allows: who calls, with what. `query` and `path` hold parsed values, by the names
    in the description, with its defaults; `body` the validated JSON (None where the operation takes none)."""

    datasette: Datasette
    request: Request
    library: Library
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any

    @property
    def actor(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.request.actor
        return found

    def header(self, name: str) -> str:
        return str(self.request.headers.get(name.lower(), ""))

    def stream(self, most: int) -> AsyncIterator[bytes]:
        """The raw body in pieces. Raises TooLarge beyond `most` bytes."""
        return _stream(self.request, most)


@dataclass(frozen=True)
class Answer:
    """JSON with a status that is not 200."""

    data: Any
    status: int = 200


Handler = Callable[[Call], Awaitable[Any]]
_documents: WeakKeyDictionary[Datasette, dict[str, Any]] = WeakKeyDictionary()


def routes(datasette: Datasette, folder: Path, handlers: Mapping[str, Handler]) -> list[tuple[str, Any]]:
    """Datasette routes for the descriptions in `folder`. A handler answers plain data (200), an Answer or a Response.

    Every operation must have a handler and every handler an operation.
    """
    described = _read(folder)
    _extend(datasette, described)
    found = []
    left = set(handlers)
    for path, item in described["paths"].items():
        operations = {method: item[method] for method in METHODS if method in item}
        left -= {operation["operationId"] for operation in operations.values()}
        called = {method: handlers[operation["operationId"]] for method, operation in operations.items()}
        shared = item.get("parameters", [])
        found.append((_pattern(path), _endpoint(operations, called, shared)))
    assert not left, f"handlers without an operation: {left}"
    return found


def document(datasette: Datasette) -> dict[str, Any]:
    """The whole description, of all floors."""
    found = _documents.get(datasette, {})
    return {
        "openapi": "3.1.0",
        "info": {"title": "办成案例库", "version": "1", "description": "网页能做的，这里都能做。"},
        "servers": [{"url": str(datasette.urls.path(ROOT))}],
        "paths": dict(sorted(found.get("paths", {}).items())),
        "components": found.get("components", {}),
    }


@cache
def _read(folder: Path) -> dict[str, Any]:
    """The descriptions in `folder`, merged. Not to be changed: every Datasette of this process shares them."""
    whole: dict[str, Any] = {"paths": {}, "components": {}}
    for path in sorted(folder.glob("*.yml")):
        _merge(whole, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    return whole


def _merge(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, dict) and isinstance(whole.get(name), dict):
            _merge(whole[name], value)
        else:
            whole[name] = value


def _extend(datasette: Datasette, described: Mapping[str, Any]) -> None:
    _merge(_documents.setdefault(datasette, {"paths": {}, "components": {}}), deepcopy(dict(described)))


def _pattern(path: str) -> str:
    named = re.sub(r"{(\w+)}", r"(?P<\1>[^/]{1,600})", path.replace(".", "[.]"))
    return f"^{ROOT}{named}$"


def _endpoint(operations: Mapping[str, Any], handlers: Mapping[str, Handler], shared: list[Any]) -> Any:
    async def endpoint(datasette: Datasette, request: Request) -> Response:
        method = "get" if request.method == "HEAD" else request.method.lower()
        if method not in operations:
            allowed = ", ".join(sorted(name.upper() for name in operations))
            wrong = {"ok": False, "status": 405, "error": f"这个地址只支持 {allowed}"}
            return json_response(wrong, 405, {"Allow": allowed})
        operation = operations[method]
        await admit(datasette, request, operation.get("x-right", "read"))
        call = await _call(datasette, request, operation, shared)
        answer = await handlers[method](call)
        if isinstance(answer, Response):
            return answer
        if isinstance(answer, Answer):
            return json_response(answer.data, answer.status)
        return json_response(answer)

    return endpoint


async def admit(datasette: Datasette, request: Request, action: str) -> None:
    """Raise unless the caller may do `action` at all, and, if it changes anything, means to.

    A browser sends cookies along with whatever another site makes it post. Only scripts of this site can add a header
    of their own to such a request (OWASP, CSRF prevention, custom request headers); programs show a token instead.
    """
    if request.method not in _SAFE and not _shows_token(request) and not same_site(request):
        raise Refused("请求不是从本站页面发出的")
    if action == "read":
        library = the_library(datasette)
        if await compat.may_view(datasette, request.actor, library.db.name, "cases"):
            return
    if not await may_here(datasette, request.actor, action):
        demand(request.actor, action)


def _shows_token(request: Request) -> bool:
    """Other schemes (Basic) a browser repeats by itself; a wrong token got no further than `identity.gate`."""
    return str(request.headers.get("authorization", "")).lower().startswith("bearer ")


def same_site(request: Request) -> bool:
    """Whether a script of this site sent the request (it adds `X-KB: 1`)."""
    return request.headers.get("x-kb") == "1" and request.headers.get("sec-fetch-site", "same-origin") in (
        "same-origin", "none",
    )  # fmt: skip


async def _call(datasette: Datasette, request: Request, operation: Mapping[str, Any], shared: list[Any]) -> Call:
    values: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    components = document(datasette)["components"]
    parameters = [_resolved(given, components) for given in [*shared, *operation.get("parameters", [])]]
    if unknown := set(request.args) - {each["name"] for each in parameters if each["in"] == "query"}:
        # A filter that was misspelt must not turn into no filter.
        raise Fault(f"没有参数 {'、'.join(sorted(name[:40] for name in unknown))}，可用的写法见 {ROOT}/openapi.json")
    for parameter in parameters:
        name, place, schema = parameter["name"], parameter["in"], parameter.get("schema", {})
        text = _given(request, name, place)
        if text is None:
            if parameter.get("required"):
                raise Fault(f"缺少参数 {name}")
            values[place][name] = schema.get("default")
            continue
        value = _parsed(text, schema, name)
        _validate(value, schema, components, name)
        values[place][name] = value
    return Call(datasette, request, the_library(datasette), values["path"], values["query"],
                await _body(request, operation, components))  # fmt: skip


def _given(request: Request, name: str, place: str) -> str | None:
    if place == "path":
        return unquote(str(request.url_vars[name]))  # Datasette matches paths as they came
    if place == "header":
        found = request.headers.get(name.lower())
        return None if found is None else str(found)
    return request.args.get(name)


def _parsed(text: str, schema: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type")
    if kind == "integer":
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise Fault(f"参数 {name} 应为整数")
        return int(text)
    if kind == "boolean":
        if text not in ("true", "false", "1", "0"):
            raise Fault(f"参数 {name} 应为 true 或 false")
        return text in ("true", "1")
    if kind == "array":
        return [part for part in text.split(",") if part]
    return text


async def _body(request: Request, operation: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    described = operation.get("requestBody", {})
    content = described.get("content", {}).get("application/json")
    if content is None:
        return None
    raw = b"".join([part async for part in _stream(request, MOST_BODY)])
    if not raw and not described.get("required"):
        return None
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise Fault("请求的内容不是 JSON（UTF-8）") from error
    _validate(value, content.get("schema", {}), components, "")
    return value


def _number(text: str) -> float:
    """To JSON Schema 5.0 is an integer, so to us as well."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


async def _stream(request: Request, most: int) -> AsyncIterator[bytes]:
    received, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise Fault("连接中断，请重试")
        part = message.get("body", b"")
        received += len(part)
        if received > most:
            raise TooLarge(f"内容超过 {most / 1_000_000:g} MB，请分几次提交")
        more = message.get("more_body", False)
        yield part


def _resolved(given: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in given:
        return given
    found: Any = {"components": components}
    for step in given["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, Mapping)
    return found


def _validate(value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], name: str) -> None:
    """Raise Fault naming the place of the first thing that does not fit; never the value, which may be personal."""
    validator = jsonschema.Draft202012Validator({**schema, "components": components})
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is not None:
        place = ".".join([name, *(str(part) for part in error.absolute_path)]).strip(".") or "内容"
        raise Fault(f"{place} {_WRONG.get(str(error.validator), '不合要求')}{_expected(error)}")


_WRONG = {
    "type": "的类型不对，应为 ", "enum": "应为以下之一：", "required": "缺少必填项：", "maxLength": "太长，至多 ",
    "minLength": "太短，至少 ", "maximum": "太大，至多 ", "minimum": "太小，至少 ", "pattern": "的格式不对",
    "additionalProperties": "有不认识的项，可用的是：",
    "maxItems": "的项数太多，至多 ", "minItems": "的项数太少，至少 ",
}  # fmt: skip


def _expected(error: jsonschema.ValidationError) -> str:
    if error.validator == "required":
        return "、".join(name for name in error.validator_value if name not in error.instance)
    if error.validator == "enum":
        return "、".join(str(value) for value in error.validator_value)
    if error.validator == "additionalProperties":  # the known names, not the unknown: what was sent may be personal
        return "、".join(error.schema.get("properties", {}))
    if error.validator in ("type", "maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems"):
        return str(error.validator_value)
    return ""


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON as this site writes it: Chinese as Chinese, not to be kept by anything on the way."""
    text = json.dumps(data, ensure_ascii=False)
    return Response(text, status=status, headers={"Cache-Control": "no-store", **(headers or {})},
                    content_type="application/json; charset=utf-8")  # fmt: skip


__all__ = ["ROOT", "Answer", "Call", "Handler", "admit", "document", "json_response", "may", "routes", "same_site"]
