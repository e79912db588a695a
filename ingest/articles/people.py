"""Who has the trouble: finds the persons and companies that an article is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from ingest.articles.document import plain, rules
from kb.privacy.lexicon import surnames
from kb.privacy.names import find_names

#: Names are looked for in articles up to this length (characters); beyond it only masked names are found.
_MAX_ARTICLE = 60_000
_NEAR = 10
_ORDINARY_WORD = 9.0  # surnames of this cost are above all ordinary words


@dataclass(frozen=True)
class Who:
    """Someone that a passage is about: `kind` is person, company or group."""

    name: str
    kind: str
    start: int

    def overlaps(self, other: Who) -> bool:
        return self.start < other.start + len(other.name) and other.start < self.start + len(self.name)


@dataclass(frozen=True)
class Cast:
    """The people of one article: full names of citizens, without officials and journalists."""

    names: tuple[str, ...] = ()

    def found_in(self, text: str) -> list[Who]:
        """The persons, companies and groups named in a text, in order."""
        text = plain(text)
        found: list[Who] = []
        kinds = ("person", "company", "group")
        for who in chain(self._named(text), *(_matched(text, kind) for kind in kinds)):
            if not any(who.overlaps(other) for other in found) and not _is_official(text, who):
                found.append(who)
        return sorted(found, key=lambda who: who.start)

    def _named(self, text: str) -> list[Who]:
        return [
            Who(name, "person", match.start())
            for name in self.names
            for match in re.finditer(re.escape(name), text)
        ]


def cast(texts: Sequence[str]) -> Cast:
    """The cast of an article from its paragraphs. Someone who is once called by an office is an official."""
    views = {str(i): plain(text) for i, text in enumerate(texts)}
    if sum(map(len, texts)) > _MAX_ARTICLE:
        return Cast()
    citizens: dict[str, bool] = {}
    for place, spans in find_names(views, []).items():
        for span in spans:
            name = views[place][span.start : span.end]
            official = _is_official(views[place], Who(name, "person", span.start))
            citizens[name] = citizens.get(name, True) and not official
    return Cast(tuple(sorted((name for name, citizen in citizens.items() if citizen), key=len, reverse=True)))


def keys(who: Who) -> set[str]:
    """The ways in which a text may name someone again: 远山渡 for 某市远山渡航运有限公司."""
    if who.kind == "group":
        return {who.name[-2:]}
    if who.kind == "person" or len(who.name) < 6:
        return {who.name}
    stem = re.sub(rules("prose")["company_end"], "", who.name)
    parts = {stem[i : i + 3] for i in range(max(1, len(stem) - 2))}
    return {who.name} | (parts - set(rules("prose")["common_parts"]))


def _matched(text: str, kind: str) -> list[Who]:
    data = rules("prose")
    found = []
    for expression in _expressions(kind):
        for match in expression.finditer(text):
            name, start = match.group(), match.start()
            if kind == "company" and (cut := re.match(data["swallowed"], name)):
                name, start = name[cut.end() :], start + cut.end()
            if not re.search(data["vague"], name):
                found.append(Who(name, kind, start))
    return found


@cache
def _expressions(kind: str) -> tuple[re.Pattern[str], ...]:
    known = [surname for surname, cost in surnames().cost.items() if cost < _ORDINARY_WORD]
    one = "(?:" + "|".join(sorted(known, key=len, reverse=True)) + ")"
    return tuple(re.compile(expression.replace("{surname}", one)) for expression in rules("prose")[kind])


def _is_official(text: str, who: Who) -> bool:
    data = rules("prose")
    before = text[max(0, who.start - _NEAR) : who.start]
    after = text[who.start + len(who.name) :][:_NEAR]
    return who.kind == "person" and bool(
        re.search(data["official_before"], before) or re.search(data["official_after"], after)
    )
