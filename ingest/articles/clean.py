"""Frees an article of what is not text: advertisements, navigation, captions, credits, line breaks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ingest.articles.document import BODY, Line, pattern, plain, rules
from ingest.articles.labels import sections, split_at_label

_ENDED = re.compile(r"[。！？；：…”》）】.!?;:)\]〕’]$")
_CASE_NUMBER = re.compile(r"【?(?:典型)?案例\s*(?:[一二三四五六七八九十]|\d)")
_WRAPPED = 26
_MAX_TITLE = 60
_MAX_EVIDENCE = 80
_TOP = 6
_STORY, _LEAD = 90, 24  # a paragraph this long is text unless its first words say otherwise


@dataclass
class Article:
    """Cleaned lines, and the text (title, dateline, source, signature) that is evidence for hall and year."""

    lines: list[Line] = field(default_factory=list)
    heading: str = ""


def clean(lines: list[Line]) -> Article:
    """The article in `lines`: noise lines dropped, paragraphs that a line break cut joined again."""
    kept: list[Line] = []
    evidence: list[str] = []
    for index, line in enumerate(lines):
        text = line.plain
        if not text:
            continue
        if line.cells or sections(line):
            kept.append(line)
        elif pattern("noise", "end").search(text) and kept:
            if not any(_CASE_NUMBER.match(later.text) for later in lines[index:]):
                break
        elif pattern("noise", "evidence").search(text):
            story = _without_credits(line)
            evidence.append(line.text.partition(story.text)[0].strip() or line.text[:_MAX_EVIDENCE])
            if len(story.text) > _MAX_TITLE:
                kept.append(story)
        elif not pattern("noise", "line").search(text if len(text) <= _STORY else text[:_LEAD]):
            kept.append(_without_credits(line))
    title = next((line.text for line in kept[:_TOP] if _is_title(line)), "")
    return Article(_joined(kept), "\n".join(dict.fromkeys(filter(None, [title, *evidence]))))


def _is_title(line: Line) -> bool:
    words = re.sub(r"[^\u4e00-\u9fff]", "", line.text)
    ended = line.text.endswith(("。", "：", ":"))
    return 4 <= len(words) <= _MAX_TITLE and not (line.cells or line.numbering or ended or sections(line))


def _without_credits(line: Line) -> Line:
    """A paragraph without “本报讯（记者 …）” before it and “（记者 …）” after it."""
    start = re.match(rules("noise")["dateline"], line.plain)
    end = re.search(rules("noise")["byline"], line.plain)
    text = line.text[start.end() if start else 0 : end.start() if end else None].strip()
    return line if text == line.text else replace(line, text=text)


def _joined(lines: list[Line]) -> list[Line]:
    """Lines that end in mid-sentence are joined with the next: hard-wrapped text, newspaper columns."""
    whole: list[Line] = []
    for line in lines:
        if whole and _goes_on(whole[-1], line):
            last = whole[-1]
            whole[-1] = replace(last, text=last.text + line.text, end=line.until)
        else:
            whole.append(line)
    return whole


def _goes_on(line: Line, following: Line) -> bool:
    if line.cells or following.cells or min(line.level, following.level) < BODY:
        return False
    if _ENDED.search(plain(line.text)) or following.numbering or split_at_label(following)[1]:
        return False
    return len(line.text) >= _WRAPPED or line.text.count("“") > line.text.count("”")
