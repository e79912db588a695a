"""The demonstration library: resolved cases in plain text (cases/*.yml), and office files made from them.

The same cases, with the labels that a reader would give them, serve as worked examples where a ledger does
not say a case's barrier, nature or outcome (`load_cases`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CASES = HERE / "cases"
FILES = HERE / "files"
ILLUSTRATIVE = "示例（据公开报道常见情形编写）"

_TEXTS = (
    "source_no", "reporter", "phone", "matter", "domain", "applicant_type", "channel", "nature", "demand",
    "obstacle", "measure", "lead_dept", "outcome", "result", "received", "closed", "followup", "source_url",
)  # fmt: skip
_LISTS = ("barriers", "handling", "coop_depts", "basis", "materials")


@cache
def load_cases(name: str | None = None) -> tuple[dict[str, Any], ...]:
    """The cases of one file of cases/ (its name without .yml), or of all, in file order.

    Every case has every key: texts (empty where the source is silent), lists, `hall` {code, name},
    `region` {province, city, county}, `solidified` {kind, text}, `illustrative`, `source` (what a ledger
    prints for it). Dates are ISO and may stop at the month or year, as in the reports.
    """
    paths = [CASES / f"{name}.yml"] if name else sorted(CASES.glob("*.yml"))
    return tuple(case for path in paths for case in _read(path))


def load_article(name: str) -> str:
    """The running text that tells the cases of a file of cases/ as a news piece."""
    return str(yaml.safe_load((CASES / f"{name}.yml").read_text(encoding="utf-8"))["article"])


def _read(path: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [_complete(case, document["halls"][case["hall"]]) for case in document["cases"]]


def _complete(raw: dict[str, Any], hall: dict[str, str]) -> dict[str, Any]:
    case: dict[str, Any] = {key: str(raw.get(key) or "") for key in _TEXTS}
    case |= {key: list(raw.get(key) or []) for key in _LISTS}
    case["hall"] = {"code": hall["code"], "name": hall["name"]}
    case["region"] = {level: hall[level] for level in ("province", "city", "county")}
    case["solidified"] = raw.get("solidified") or {"kind": "", "text": ""}
    case["illustrative"] = bool(raw.get("illustrative"))
    case["source"] = ILLUSTRATIVE if case["illustrative"] else case["source_url"]
    return case
