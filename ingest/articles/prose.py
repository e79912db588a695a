"""News prose: finds the passages that tell a case and reads each into the fields of a record."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ingest.articles import frames, roles
from ingest.articles.document import BODY, Line, Told, plain, rules
from ingest.articles.people import Cast, Who, cast, keys
from kb.fields import matters

_LONGEST_HEADING = 40
_MAX_TITLE = 24
_MARKS = "■◆●▲★☆□○◎※▍▶►·• "


@dataclass
class _Draft:
    """Paragraphs that seem to tell one case."""

    who: list[Who]
    lines: list[Line] = field(default_factory=list)
    heading: str = ""

    @property
    def text(self) -> str:
        return "".join(line.text for line in self.lines)

    @property
    def acted(self) -> bool:
        """Whether the draft tells already what was done."""
        return len(self.roles().get("measure", "")) >= rules("prose")["limits"]["min_measure"]

    def roles(self, title: str = "") -> dict[str, str]:
        """The text of each role in the draft, without the headline `title` of its first paragraph."""
        texts = [line.bare if line is self.lines[0] else line.text for line in self.lines]
        texts[0] = texts[0].removeprefix(f"{title}。") if title else texts[0]
        pieces = [clause for text in texts for clause in roles.clauses(text)]
        return roles.sort(pieces, [who.name for who in self.who])

    def names(self, text: str) -> bool:
        """Whether a text names the one that the draft is about."""
        return any(key in text for who in self.who if who.kind != "group" for key in keys(who))


def _trouble(text: str) -> float:
    return roles.score(text, "obstacle")


def _want(text: str) -> float:
    return roles.score(text, "demand")


def _action(text: str) -> float:
    return roles.score(text, "measure")


def cases(lines: list[Line]) -> list[Told]:
    """The cases told in a passage of prose, in order."""
    people = cast([line.text for line in lines])
    gap = rules("prose")["limits"]["gap"]
    drafts: list[_Draft] = []
    latest: _Draft | None = None  # the draft that is being told, or was lately
    open_, since = False, 0
    heading = ""
    for place, line in enumerate(_parts(lines)):
        since += 1
        if line.cells or _is_heading(line):
            open_ = False
            heading = line.bare.lstrip(_MARKS) if place and not line.cells else ""  # the first is the article's own
            continue
        if latest is not None and (
            open_ and _belongs(line, latest, people) or since <= gap and _returns(line, latest)
        ):
            latest.lines.append(line)
            open_, since = True, 0
            continue
        who = people.found_in(_after_opener(line.text))
        if who and _opens(line.text):
            latest = _Draft(who, [line], heading)
            drafts.append(latest)
            open_, since = True, 0
        elif latest is not None and latest.acted:
            open_ = False
        heading = ""
    return _told_once([(draft, told) for draft in drafts if (told := _told(draft, people)) is not None])


def _after_opener(text: str) -> str:
    """A paragraph without the words that part it from the case before (“与王大爷不同，”)."""
    match = re.match(rules("prose")["opener"], plain(text))
    return text[match.end() :] if match else text


def _returns(line: Line, draft: _Draft) -> bool:
    """Whether a paragraph comes back to the draft's person, by name, after something else."""
    starts_new = re.match(rules("prose")["opener"], line.plain) or line.numbering
    return not starts_new and draft.names(line.plain)


def _told_once(told: list[tuple[_Draft, Told]]) -> list[Told]:
    """A case that the article tells twice (in the lead, in the story) is taken where it is told in full."""
    kept: list[tuple[_Draft, Told]] = []
    for draft, case in told:
        named = [who.name for who in draft.who if who.kind != "group"]
        same = next((other for other in kept if any(map(other[0].names, named))), None)
        if same is None:
            kept.append((draft, case))
        elif len(draft.text) > len(same[0].text):
            kept[kept.index(same)] = (draft, case)
    return [case for _, case in kept]


def _parts(lines: list[Line]) -> list[Line]:
    """Paragraphs, those that go on to another case in mid-text parted there."""
    parts = []
    opener = re.compile(rules("prose")["opener"])
    for line in lines:
        sentences = re.findall(r"[^。！？]*[。！？][”’）]*|[^。！？]+$", line.text)
        current = ""
        for sentence in sentences:
            if current and opener.match(plain(sentence)):
                parts.append(replace(line, text=current))
                current = ""
            current += sentence
        if current:
            parts.append(replace(line, text=current))
    return parts


def _is_heading(line: Line) -> bool:
    return line.level < BODY or len(line.text) <= _LONGEST_HEADING and not _ends(line.text)


def _ends(text: str) -> bool:
    return bool(re.search(r"[。！？；：，…][”’）]*$", plain(text)))


def _opens(text: str) -> bool:
    """Whether a paragraph starts a case: someone wants something or is stuck, and it is no general report."""
    limits = rules("prose")["limits"]
    return _trouble(text) + _want(text) >= limits["min_trouble"]


def _belongs(line: Line, draft: _Draft, people: Cast) -> bool:
    """Whether a paragraph goes on telling the draft's case."""
    text = plain(line.text)
    if re.match(rules("prose")["opener"], text) or line.numbering:
        return False
    if len(draft.lines) >= rules("prose")["limits"]["max_paragraphs"]:
        return False
    if draft.names(text):
        return True
    others = any(who.kind != "group" for who in people.found_in(text))
    again = re.search(rules("prose")["anaphora"], text) is not None
    acts = _action(text) >= rules("prose")["limits"]["min_action"]
    general = roles.score(text, "noise")
    if draft.acted:
        lasting = re.search(rules("prose")["lasting"], text) is not None
        return not others and (lasting and general < 4 or again and general < 2)
    if others and _want(text) + _trouble(text) >= _action(text) or not again and _complete(text, people):
        return False
    return acts and general < 3 or again and general < 3 or not general and _trouble(text) >= 1


def _complete(text: str, people: Cast) -> bool:
    """Whether a paragraph tells a whole case by itself."""
    limits = rules("prose")["limits"]
    stuck = _trouble(text) >= limits["min_trouble"] and re.search(limits["concrete"], text) is not None
    return stuck and _action(text) >= limits["min_action"] and bool(people.found_in(text))


def _told(draft: _Draft, people: Cast) -> Told | None:
    """The draft as a case, or None if it does not tell what was wanted and what was done about it."""
    limits = rules("prose")["limits"]
    if _trouble(draft.text) + _want(draft.text) < limits["min_trouble"]:
        return None
    anybody = not any(who.kind != "group" or re.search(limits["single"], who.name) for who in draft.who)
    if anybody and not re.search(limits["concrete"], plain(draft.text)):
        return None
    title = _headline(draft.lines[0], people)
    values = _with_demand(draft.roles(title))
    named = list(dict.fromkeys(who.name for who in draft.who if who.kind != "group"))
    asked = max(len(values.get("demand", "")), len(values.get("obstacle", "")))
    if asked < limits["min_role"] or len(values.get("measure", "")) < limits["min_measure"]:
        return None
    if title := title or draft.heading:
        values["title"] = title
    if matter := _matter(values):
        values["matter"] = matter
    if named:
        values["applicant"] = "、".join(named)
    return Told(frames.read_prose(values), draft.lines[0], draft.lines[-1])


def _with_demand(values: dict[str, str]) -> dict[str, str]:
    """Where everything before the measure reads like trouble, the first clause says whose it was."""
    if values.get("demand") or not values.get("obstacle"):
        return values
    first, comma, rest = values["obstacle"].partition("，")
    return {**values, "demand": first, "obstacle": rest} if comma and "。" not in first else values


def _matter(values: dict[str, str]) -> str:
    """The service item that the demand names, else the obstacle, in the clause that most asks for something."""
    for name in ("demand", "obstacle"):
        texts = [clause.text for clause in roles.clauses(values.get(name, ""))]
        for text in sorted(texts, key=_want, reverse=True):
            if len(text) <= matters.LONGEST_NAME and (found := matters.standard(text)):
                return found
    return ""


def _headline(line: Line, people: Cast) -> str:
    """The first sentence of a numbered paragraph, if it is short and reads like a headline."""
    sentence, stop, rest = line.bare.partition("。")
    if not line.numbering or not stop or len(sentence) > _MAX_TITLE or len(rest) <= len(sentence):
        return ""
    return "" if people.found_in(sentence) else sentence
