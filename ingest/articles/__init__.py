"""Articles: write-ups, news and letters (paragraphs) become records, one per told case.

`tell` is the door. An article is first freed of what is not text (`clean`). Where sections are labelled
(基本情况 … 主要做法 …, 来信 … 回复 …) `structured` reads them, `siblings` placing headings that no list knows,
and `frames` takes the set phrases apart; what has no labels is read as prose: `prose` finds the passages,
`people` whom they are about, `roles` sorts the clauses. Vocabulary and weights are in the YAML files beside
the code.
"""

from __future__ import annotations

from collections.abc import Callable

from ingest.articles import prose, structured
from ingest.articles.clean import clean
from ingest.articles.dates import with_years
from ingest.articles.document import Line, rules
from ingest.records import Place, Problem, Reading, Record

NO_CASE = "未发现可入库的案例。"
TOO_LONG = "文章过长，只读取了前面的部分。请拆分成几个文件后重新导入。"

Namer = Callable[[int, Line, Line], str]


def tell(lines: list[Line], file: str, kind: str, namer: Namer) -> Reading:
    """The cases that an article tells.

    `lines` are all paragraphs of the file in reading order; `namer` gives the place of a case in the words of
    its format, from the number of the case (from 1) and its first and last line. An article without cases is
    no error: it gives no record and one problem that says so.
    """
    read, cut = _bounded(lines)
    article = clean(read)
    told, rest = structured.cases(article.lines)
    told += [case for passage in rest for case in prose.cases(passage)]
    told.sort(key=lambda case: case.first.number)
    reading = Reading(rows=len(told))
    for number, case in enumerate(told, start=1):
        place = Place(file=file, row=namer(number, case.first, case.last), kind=kind)
        values = with_years(case.values, article.heading)
        reading.records.append(Record(place, values, heading=article.heading))
    if cut:
        reading.problems.append(Problem(TOO_LONG))
    if not told:
        reading.problems.append(Problem(NO_CASE))
    return reading


def _bounded(lines: list[Line]) -> tuple[list[Line], bool]:
    """The lines up to the length that is read, and whether there were more."""
    room = rules("prose")["limits"]["max_chars"]
    for i, line in enumerate(lines):
        room -= len(line.text)
        if room < 0:
            return lines[:i], True
    return lines, False
