"""/report: the 检索报告, one A4 page to hand over: a question, its grade, up to three precedents with sources."""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from kb import citation, playbooks, validity
from kb.errors import Fault
from kb.fields import regions
from kb.model import Case
from kb.vocabulary import label
from kb.web import api
from kb.web.shell import Library, address, asset_address, guarded, render, the_library

from . import asking

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
MOST, MOST_CHOSEN = 3, 100  # cases that fit on a page, that an address may name
#: Lines of a page between its heading and the signature, and characters of a line, as report.css sets them.
LINES, WIDE = 40, 45
#: Which part of the room that a case has is for which of its texts.
SHARES = {"obstacle": 0.32, "measure": 0.5, "result": 0.18}
#: Characters: of the question (and how it was taken), of a title, of a rule, of all rules, of who and source.
LONGEST_QUESTION, LONGEST_TITLE, LONGEST_RULE, LONGEST_RULES, LONGEST_WHO, LONGEST_SOURCE = 120, 36, 42, 85, 40, 60
#: Characters of what became of rules; of one rule there is at least its date and 已废止.
LONGEST_CHANGE, DATED = 60, 14
_HALF_PLACEHOLDER = re.compile(r"〔[^〕]{0,12}$")


async def report_page(datasette: Datasette, request: Request) -> Response:
    """/report?q=…&ids=…: `ids` are the chosen cases (repeated or with commas), else the first results are shown."""
    found = the_library(datasette)
    asked, _ = await asyncio.to_thread(asking.impersonal, asking.question(request))
    ids = [one for given in request.args.getlist("ids") for one in given.split(",") if one]
    if not asked and not ids:
        raise Fault("先查一件事，再出检索报告")
    filters = asking.chosen(request.args)
    answer = await asking.find(
        found, asked, asking.RESULTS, filters, asking.literally(request), asking.home(request.actor)
    )
    grades = {result["id"]: result["grade"] for result in answer["results"]}
    wanted = list(dict.fromkeys(ids)) or list(grades)[:MOST]
    cases = await found.cases(wanted[:MOST_CHOSEN])
    known = [cases[one] for one in wanted[:MOST_CHOSEN] if one in cases]
    changes = await found.store(validity.changed)
    shown = [*map(validity.marker(changes), known[:MOST])]
    fits = answer["answerable"] or not asked
    books = await found.store(lambda store: playbooks.brief(store, [case.playbook for case in shown])) if fits else []
    told = _told(books[0]) if books else {}
    context = {
        "answer": answer,
        "question": cut(asked, LONGEST_QUESTION),
        "meaning": cut(str(answer["understood"]["meaning"] or ""), LONGEST_QUESTION),
        "entries": [entry(case, grades.get(case.id, ""), len(shown), _lines(*told.values())) for case in shown],
        "playbook": told,
        "missing": len(wanted) - len(known),
        "more": len(known) - len(shown),
        "hall": _hall(found, request.actor),
        "today": datetime.date.today().isoformat(),
        "version": (await found.rows("select value from meta where key = 'version'"))[0]["value"],
        "back": address(datasette, "/", q=asked, literally=asking.literally(request) or "", **filters),
        "search_css": asset_address(datasette, "search", STATIC / "report.css"),
        "report_js": asset_address(datasette, "search", STATIC / "report.js"),
    }
    return await render(datasette, request, "report.html", context)


def entry(case: Case, grade: str, cases: int, spent: int = 0) -> dict[str, Any]:
    """What the page says of one of so many cases: what is short whole, the texts cut to the room that is left. `spent`:
    lines that something above the cases takes."""
    holding = [cut(citation.name_of(rule), LONGEST_RULE) for rule in case.basis if not rule.get("change")]
    short = {
        "title": cut(citation.headline(case), LONGEST_TITLE),
        "rules": cut("；".join(holding), LONGEST_RULES),
        "changed": _changed([rule for rule in case.basis if rule.get("change")]),
        "who": cut("、".join(filter(None, [case.lead_dept, *case.coop_depts])), LONGEST_WHO),
        "source": cut(citation.source(case), LONGEST_SOURCE),
    }
    # Lines that are taken: two of heading, one of space, those of what is short, and the ends of three texts.
    taken = 2 + 1 + _lines(*(text for name, text in short.items() if name != "title")) + 2
    room = WIDE * max(3, (LINES - spent) // cases - taken)
    whole = {"obstacle": case.obstacle or case.demand, "measure": case.measure, "result": case.result}
    texts = {name: cut(text, int(room * SHARES[name])) for name, text in whole.items()}
    return {
        "case": case,
        "grade": grade,
        "stuck": "obstacle" if case.obstacle else "demand",
        "span": citation.span(case),
        "is_cut": "……" in short["changed"] or any(text.endswith("……") for text in (short["rules"], *texts.values())),
        **short,
        **texts,
    }


def _lines(*texts: str) -> int:
    """Lines that texts take, each beginning on one of its own."""
    return sum(-(-len(text) // WIDE) for text in texts)


def _changed(rules: Sequence[Mapping[str, Any]]) -> str:
    """What became of rules, the more the shorter: the date stands before the remark, so that only remarks are cut."""
    room = max(DATED, LONGEST_CHANGE // max(1, len(rules)))
    told = [f"{cut(citation.name_of(rule), LONGEST_RULE)}［{cut(rule['change'], room)}］" for rule in rules[:MOST]]
    return "；".join(told) + (f"；等 {len(rules)} 条" if len(rules) > MOST else "")


def _told(book: Mapping[str, Any]) -> dict[str, str]:
    """The line on a playbook: name, state, number, and what changed under it."""
    state = label("playbook_states", book["state"])
    return {"line": f"{cut(book['title'], LONGEST_TITLE)}（{state}，编号 {book['id']}）",
            "changed": _changed(book["changed_basis"])}  # fmt: skip


def cut(text: str, longest: int) -> str:
    """`text` in one paragraph of at most so many characters; a placeholder is not cut in two."""
    plain = " ".join(text.split())
    return plain if len(plain) <= longest else _HALF_PLACEHOLDER.sub("", plain[:longest]) + "……"


def _hall(library: Library, actor: dict[str, Any] | None) -> str:
    """Where the report is printed: the hall of the account, else that of kb.toml."""
    place = regions.by_code(library.settings.hall)
    return str(actor["hall_name"] or "") if actor else place.name if place else ""


ROUTES = [(r"^/report$", guarded(report_page))]
HANDLERS: dict[str, api.Handler] = {}
