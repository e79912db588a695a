"""Who waits for whom: bodies that ask for another one's paper first, and the circles that come of it.

Extracted from what cases say of the obstacle, the demand and (where it tells a refusal) the measure: 公安要先看消防的
意见书 is an edge from 公安局 to 消防救援机构. Nothing is inferred beyond the sentence, except whose a paper is
(`prerequisites.yml`): a requirement that names no body and no known paper is left out, and so is a circle of three that
is only asserted (三家互为前置). Every edge has its sentences.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import networkx
import yaml

from kb.fields import departments
from kb.model import Case
from kb.store import Store

from .remembering import remembered
from .scope import counted, scope

_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_CLAUSE = re.compile(r"[，,：:]")
_IDLE = re.compile(r"[\s“”\"‘’'《》「」]|〔[^〕\d]*\d*〕")
_JOINS = re.compile(r"[和与及跟、以]+(?:及)?")
_LAND = "\ue000动产"  # 不动产, whose 不 denies nothing
FIELDS = ("obstacle", "demand", "measure")


@dataclass(frozen=True)
class Edge:
    """`waiter` asks for a paper of `needs` first; `sentences` [{case_id, field, text}], one a case at least."""

    waiter: str
    needs: str
    case_ids: list[str]
    sentences: list[dict[str, str]]


@dataclass(frozen=True)
class Cycle:
    """Bodies that wait for one another in a circle. `case_ids`: cases that tell the whole circle; where there is none
    the circle is put together of several cases (`edge_case_ids`), perhaps of different matters."""

    nodes: list[str]
    case_ids: list[str]
    edge_case_ids: list[str]


@dataclass(frozen=True)
class Prerequisites:
    """The graph: `nodes` {name: number of cases}, edges and cycles, those with the most cases first."""

    nodes: dict[str, int] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


class _Wait(NamedTuple):
    waiter: str
    needs: str


class _Rules(NamedTuple):
    named: re.Pattern[str]  # a body or a paper in running text
    nodes: dict[str, str]  # word → node, "" for none
    spoken: frozenset[str]  # words that are bodies only where somebody speaks
    speaker: re.Pattern[str]  # a clause that begins with somebody who speaks or asks
    requires: list[re.Pattern[str]]
    steps: re.Pattern[str]
    mutual: re.Pattern[str]
    both: re.Pattern[str]
    many: re.Pattern[str]
    stranger: re.Pattern[str]
    unnamed: re.Pattern[str]
    solved: re.Pattern[str]
    denied: re.Pattern[str]


@cache
def settings() -> dict[str, Any]:
    """The content of ``prerequisites.yml``."""
    path = Path(__file__).parent / "prerequisites.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def prerequisites(store: Store, case_ids: Iterable[str] | None = None) -> Prerequisites:
    """The graph of the published cases (or of those of `case_ids`), a case told twice counted once."""
    told = _told_everywhere(store)
    chosen = told.keys() if case_ids is None else set(case_ids) & told.keys()
    return _graph((one, told[one][1]) for one in told if one in chosen and told[one][0] not in chosen)


def of_scope(store: Store, since: str = "", until: str = "", region: str = "") -> Prerequisites:
    """The graph of the cases of a time and an area. Raises Fault."""
    if not (since or until or region):
        return prerequisites(store)
    return prerequisites(store, counted(store, scope(since, until, region), texts=False).cases)


@remembered
def _told_everywhere(store: Store) -> dict[str, tuple[str, list[tuple[_Wait, str, str]]]]:
    """Published case → the case that it repeats, and what it tells of waiting."""
    return {case.id: (case.duplicate_of, waits(case)) for case in store.published()}


def graph(cases: Iterable[Case]) -> Prerequisites:
    """The graph of those cases."""
    return _graph((case.id, waits(case)) for case in cases)


def _graph(told: Iterable[tuple[str, list[tuple[_Wait, str, str]]]]) -> Prerequisites:
    found: dict[_Wait, list[dict[str, str]]] = defaultdict(list)
    for case_id, waiting in told:
        for wait, name, sentence in waiting:
            quote = {"case_id": case_id, "field": name, "text": sentence[: settings()["quoted"]]}
            if quote not in found[wait]:
                found[wait].append(quote)
    edges = [Edge(wait.waiter, wait.needs, _ids(quotes), quotes) for wait, quotes in found.items()]
    edges.sort(key=lambda edge: (-len(edge.case_ids), edge.waiter, edge.needs))
    holders: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        for node in (edge.waiter, edge.needs):
            holders[node].update(edge.case_ids)
    nodes = {name: len(ids) for name, ids in sorted(holders.items(), key=lambda item: (-len(item[1]), item[0]))}
    return Prerequisites(nodes, edges, _cycles(edges))


def waits(case: Case) -> list[tuple[_Wait, str, str]]:
    """(who waits for whom, field, sentence) as one case tells it."""
    found: list[tuple[_Wait, str, str]] = []
    for name in FIELDS:
        before: list[_Wait] = []
        for sentence in _sentences(getattr(case, name)):
            passage = sentence[: settings()["passage"]]
            if len(_nodes(passage, speaking=True)) < (1 if before else 2):
                continue  # nobody, or nobody else, whom it could be about
            told = list(_told(passage, name, before))
            before += told
            found += [(wait, name, sentence.replace(_LAND, "不动产")) for wait in told]
    takes_in = _takes_in(case)
    renamed = [(_Wait(takes_in.get(w.waiter, w.waiter), takes_in.get(w.needs, w.needs)), name, sentence)
               for w, name, sentence in found]  # fmt: skip
    return [one for one in dict.fromkeys(renamed) if one[0].waiter != one[0].needs]


def _sentences(text: str) -> list[str]:
    return _SENTENCE.findall(_IDLE.sub("", text).replace("不动产", _LAND))


def _ids(quotes: Iterable[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(quote["case_id"] for quote in quotes))


def _cycles(edges: Sequence[Edge]) -> list[Cycle]:
    limits = settings()
    holders = {(edge.waiter, edge.needs): set(edge.case_ids) for edge in edges}
    circles = networkx.simple_cycles(networkx.DiGraph(list(holders)), length_bound=limits["longest_cycle"])
    found = []
    for circle in itertools.islice(circles, limits["most_cycles"] * 20):
        first = circle.index(min(circle))
        nodes = [*circle[first:], *circle[:first]]
        parts = [holders[pair] for pair in zip(nodes, [*nodes[1:], nodes[0]], strict=True)]
        found.append(Cycle(nodes, sorted(set.intersection(*parts)), sorted(set.union(*parts))))
    found.sort(key=lambda one: (-len(one.case_ids), len(one.nodes), -len(one.edge_case_ids), one.nodes))
    return found[: limits["most_cycles"]]


# One sentence


def _told(sentence: str, name: str, earlier: Sequence[_Wait]) -> Iterator[_Wait]:
    rules = _rules()
    if name == "measure" and rules.solved.search(sentence):
        return
    speaker, spoken_at = "", 0
    speakers: list[str] = []
    before = list(earlier)
    clauses = list(_clauses(sentence))
    for at, clause in enumerate(clauses):
        spoke = rules.speaker.match(clause)
        rest = clause
        if at - spoken_at > settings()["carried"] or (not spoke and rules.stranger.match(clause)):
            speaker = ""
        if spoke:
            speaker, spoken_at = rules.nodes[spoke["body"]], at
            speakers.append(speaker)
            rest = clause[spoke.end("body") :]
        if rules.both.search(rest) and len(set(speakers)) == 2:
            yield from _each_other(list(dict.fromkeys(speakers)))
            continue
        if mutual := rules.mutual.search(clause):
            if not rules.many.search(clause):
                yield from _each_other(_nodes(clause[: mutual.start()], speaking=True))
            continue
        following = clauses[at + 1] if at + 1 < len(clauses) else ""
        for wait in _required(rest, following, speaker, before):
            before.append(wait)
            yield wait


def _each_other(nodes: Sequence[str]) -> Iterator[_Wait]:
    """Only two: of three that wait for each other nobody says who waits for whom."""
    if len(nodes) == 2:
        yield _Wait(nodes[0], nodes[1])
        yield _Wait(nodes[1], nodes[0])


def _clauses(sentence: str) -> Iterator[str]:
    """Parts between commas; a list sign parts them only before somebody who speaks (税务说…、社保说…)."""
    for clause in _CLAUSE.split(sentence):
        start = 0
        for found in re.finditer("、", clause):
            if found.start() > start and _rules().speaker.match(clause[found.end() :]):
                yield clause[start : found.start()]
                start = found.end()
        if clause[start:]:
            yield clause[start:]


def _required(text: str, following: str, speaker: str, before: Sequence[_Wait]) -> list[_Wait]:
    """What a clause requires; a refusal may stand in the next one (没有产证，银行不肯放款)."""
    rules = _rules()
    for pattern in rules.requires:
        for said in (text, f"{text}，{following}"):
            found = pattern.search(said)
            if not found or found.start() > len(text) or rules.denied.search(said, 0, found.end("thing")):
                continue
            ahead = _nodes(said[: found.start()], not speaker, found.start() - settings()["near"])
            wanted = _first(found["thing"])
            if not wanted and ahead and "先" in found[0]:
                wanted, ahead = ahead[-1:], ahead[:-1]  # 应急预案要先更新备案: the thing stands before
            waiter = ahead[-1] if ahead else speaker
            groups = found.groupdict()
            after = _begins(groups.get("who") or "") or _begins(groups["waits"] or "")
            if after and (groups.get("who") or not speaker):
                waiter = after
            if not wanted and rules.unnamed.search(found["thing"]):
                wanted = [wait.waiter for wait in before if wait.needs == waiter][-1:]
            waits = [_Wait(waiter, one) for one in wanted if waiter and one != waiter]
            if waits:
                return waits
    return []


def _begins(text: str) -> str:
    """The body with which a clause begins."""
    found = _rules().named.match(text)
    return _rules().nodes[found[0]] if found and found[0] not in _rules().spoken else ""


def _first(text: str) -> list[str]:
    """The first body or paper in `text`, and those joined to it by 和."""
    rules = _rules()
    found: list[str] = []
    end = None
    for match in rules.named.finditer(text):
        if match[0] in rules.spoken or not rules.nodes[match[0]]:
            continue
        if end is None or _JOINS.fullmatch(text[end : match.start()]):
            found.append(rules.nodes[match[0]])
            end = match.end()
        else:
            break
    return list(dict.fromkeys(found))


def _nodes(text: str, speaking: bool = False, start: int = 0) -> list[str]:
    """The bodies and papers of `text` that begin at `start` or later."""
    rules = _rules()
    words = (match[0] for match in rules.named.finditer(text) if match.start() >= start)
    return list(dict.fromkeys(
        rules.nodes[word] for word in words if rules.nodes[word] and (speaking or word not in rules.spoken)
    ))  # fmt: skip


def _takes_in(case: Case) -> dict[str, str]:
    """{whose kind of paper: who takes it in} where a case says so: 住建说…不能受理消防验收."""
    rules = _rules()
    found: dict[str, str] = {}
    for name in ("obstacle", "demand"):
        for sentence in _sentences(getattr(case, name)):
            for clause in _clauses(sentence):
                spoke = rules.speaker.match(clause)
                for step in rules.steps.finditer(clause, spoke.end()) if spoke else ():
                    node = _begins(clause[step.end() :])
                    if spoke and node and node != rules.nodes[spoke["body"]]:
                        found[node] = rules.nodes[spoke["body"]]
    return found


@cache
def _rules() -> _Rules:
    data = settings()
    nodes = {word: name for word in data["bodies"] if (name := node_of(word))} | data["called"]
    nodes = {word.replace("不动产", _LAND): name for word, name in nodes.items()}
    bodies = rf"(?!{_either(data['others'])})(?:{_either(nodes)})"
    papers = {word: name for name, words in data["papers"].items() for word in words}
    nodes.update({word.replace("不动产", _LAND): name for word, name in papers.items()})
    nodes.update(dict.fromkeys(data["others"], ""))
    cues = "要|得|须|需|必须|不|没|以|凭|按|等"
    return _Rules(
        named=re.compile(_either(nodes)),
        nodes=nodes,
        spoken=frozenset(data["only_speaking"]),
        speaker=re.compile(
            rf"(?:(?:{data['before_body']}){{0,3}})(?P<body>{bodies})(?:{data['after_body']}){{0,4}}"
            rf"(?:(?:又|却|则|也|还|就|都)?(?:{data['says']})|(?={cues})|$)"
        ),
        requires=[re.compile(rule) for rule in data["requires"]],
        steps=re.compile(data["steps"]),
        mutual=re.compile("|".join(data["mutual"])),
        both=re.compile(data["both"]),
        many=re.compile(data["many"]),
        stranger=re.compile(data["stranger"]),
        unnamed=re.compile(_either(data["unnamed"])),
        solved=re.compile(data["solved"]),
        denied=re.compile(data["denied"]),
    )


def node_of(word: str) -> str | None:
    """The standard name of a body as it is named in speech (公安 → 公安局)."""
    return departments.standard(word) or departments.standard(f"{word}部门")


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
