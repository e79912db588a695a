"""Personal names in running text.

A candidate is a surname with one or two further characters. Its score is the log-likelihood that
the passage gains by being read as a name rather than as ordinary words (segmentation.py), plus what
stands around it: labels, kin and roles to the left, titles and verbs to the right, a phone or ID
number beside it; names of places and organisations count against it. Where that does not decide, a
tagger is asked (tagger.py). A name that is clear once is found everywhere in the case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from .lexicon import acts, any_of, background, given_chars, surnames, word_set, words
from .segmentation import Reading
from .spans import MASK, Span
from .tagger import Tagger

SURE = 2.5  # redact
MAYBE = 1.4  # redact, and ask a person to look
_HOPELESS = -14.0  # no context makes a name of it
_CLEAR = 9.0  # no second opinion needed
_CONCEIVABLE = -0.5  # below this nothing is asked
_CONCEIVABLE_CUED = -4.5  # the same where what stands around speaks clearly for a person
_FRAMED = 5.0  # what a label on the left and an edge or verb on the right are worth together
_YES = 4.0  # what the tagger's yes is worth
_NO = 2.5  # what its no takes away where no cue says that a person is meant
_PRIOR = 6.5  # -ln of how often a word of a case is a personal name
_UNUSUAL = 11.0  # cost of a given-name character that the table lacks
_ORDINARY = 12.0  # cost below which a dictionary word is common
_KNOWN = 99.0
_RUN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = r"(?:[A-Z][a-z]+(?:[ .·-]{1,2}[A-Z][a-z]*){0,3}|[A-Z]{2,}(?:[ ,]{1,2}[A-Z]{2,}){1,3})"
_BAD_GIVEN = frozenset(
    "的了是在有我他她它们你您这那哪个不没么吗呢吧啊之其此与及或被把将让给向从对所以等说称也都就又还再已某号码证须需"
)
_PLACE_ENDING = frozenset("路街巷镇乡村县区省局厅科所站园苑厂店馆寺庙楼屯庄")
_HILL_ENDING = frozenset("山河湖江岛桥岭坡塘坪坳湾沟港城家冲庭垄岗")


@dataclass(frozen=True)
class Candidate:
    """A possible name at [start, end) of a field, and its score."""

    field: str
    start: int
    end: int
    text: str
    score: float
    placed: bool = False  # what follows makes it part of the name of a place
    cued: bool = False  # a label, a number or brackets beside it say that a person is meant
    listed: bool = False  # a certain name stands beside it in a list
    hinted: bool = False  # cued, or kin, a role or an act of persons stands beside it


def find_names(views: Mapping[str, str], persons: list[str]) -> dict[str, list[Span]]:
    """Name spans per field. `persons` are the names that the case's own columns give."""
    found = {field: list(_by_form(view)) for field, view in views.items()}
    dotted = {span.person for spans in found.values() for span in spans if "·" in span.person} | {
        p for p in persons if "·" in p
    }
    scores: dict[str, float] = dict.fromkeys(persons, _KNOWN)
    tagger = Tagger()
    certain: frozenset[str] = frozenset(persons)
    judged: list[Candidate] = []
    possible = [candidate for field, view in views.items() for candidate in _possible(field, view)]
    weighed = [_in_context(candidate, views[candidate.field]) for candidate in possible]
    for _ in range(2):  # the second time, names listed beside certain ones are found
        weighed = [_beside(candidate, views[candidate.field], certain) for candidate in weighed]
        candidates = [
            one for one in weighed if one.score >= (_CONCEIVABLE_CUED if one.hinted else _CONCEIVABLE)
        ]
        judged = _best([_second_opinion(c, views[c.field], tagger) for c in candidates])
        places = {c.text for c in weighed if c.placed and not c.cued}
        for candidate in judged:
            doubtful_place = candidate.text in places and not candidate.cued
            if candidate.score >= (MAYBE + _YES if doubtful_place else MAYBE):
                scores[candidate.text] = max(scores.get(candidate.text, 0.0), candidate.score)
        now_certain = frozenset(name for name, score in scores.items() if score >= SURE)
        if now_certain <= certain:
            break
        certain = now_certain
    accepted = {(c.field, c.start, c.end) for c in judged if c.score >= SURE}
    for name, score in sorted(scores.items(), key=lambda item: (-len(item[0]), item[0])):
        doubt = "" if score >= SURE else "像人名但证据不足，请核对"
        written = re.compile(" {0,2}".join(map(re.escape, name)) if len(name) == 2 else re.escape(name))
        for field, view in views.items():
            for match in written.finditer(view):
                here = (field, match.start(), match.end())
                if here in accepted or _stands_alone(view, *here[1:], known=score >= _KNOWN):
                    found[field].append(Span(match.start(), match.end(), "姓名", person=name, doubt=doubt))
    for field, view in views.items():
        found[field] += _parts(view, sorted(dotted))
    return found


def _second_opinion(candidate: Candidate, view: str, tagger: Tagger) -> Candidate:
    if candidate.score >= _CLEAR:
        return candidate
    agreement = tagger.agreement(view, candidate.start, candidate.end)
    opinion = _YES * agreement if agreement else 0.0 if candidate.cued else -_NO
    if not agreement and candidate.hinted and not candidate.cued:
        opinion = -1.5
    if agreement == 1 and candidate.hinted:
        opinion += 2.0
    return replace(candidate, score=candidate.score + opinion)


def _possible(field: str, view: str) -> Iterator[Candidate]:
    """Every surname with one or two further characters that is not quite unlikely, whatever stands
    around it.
    """
    first = surnames().first
    for match in _RUN.finditer(view):
        run, offset = match[0], match.start()
        reading: Reading | None = None
        for start in range(len(run) - 1):
            if run[start] not in first:
                continue
            for surname_length, cost in _surnames_at(run, start):
                reading = reading or Reading(run)
                for end in range(start + surname_length + 1, min(start + surname_length + 2, len(run)) + 1):
                    text = run[start:end]
                    score = _likelihood(text, text[surname_length:], cost, reading, start)
                    # 彭经理 is not 彭经
                    if score > _HOPELESS and not run.startswith(_titles(), start + surname_length):
                        yield Candidate(field, offset + start, offset + end, text, score)


@cache
def _titles() -> tuple[str, ...]:
    return tuple(word for word in words("masked_end") if len(word) > 1)


def _surnames_at(run: str, start: int) -> Iterator[tuple[int, float]]:
    table = surnames()
    longest = table.longest if run[start] in table.openers else 1
    for length in range(min(longest, len(run) - start), 0, -1):
        cost = table.cost.get(run[start : start + length])
        if cost is not None:
            yield length, cost


def _likelihood(text: str, given: str, surname_cost: float, reading: Reading, start: int) -> float:
    """Gain of reading the text as a name; far below zero if it cannot be one."""
    if _BAD_GIVEN.intersection(given) or text in word_set("nobody") or given in word_set("masked_end"):
        return -99.0
    chars = given_chars()
    price = _PRIOR + surname_cost
    for char in given:
        price += chars.get(char, _UNUSUAL)
    score = reading.gain(start, start + len(text), price)
    if len(text) == 2:
        score -= 1.0
    return score


def _beside(candidate: Candidate, view: str, certain: frozenset[str]) -> Candidate:
    """The candidate, more likely a name if it stands in a list beside a certain one."""
    if candidate.listed or not certain or not _listed(view, candidate.start, candidate.end, certain):
        return candidate
    return replace(candidate, score=candidate.score + 3.5, listed=True)


def _in_context(candidate: Candidate, view: str) -> Candidate:
    """The candidate with what stands to its left and right counted in, for and against a name."""
    start, end = candidate.start, candidate.end
    left, right = view[max(0, start - 12) : start], view[end : end + 14]
    label = _pattern("label_left").search(left)
    number = _pattern("number_right").match(right) is not None
    edged = _pattern("edge_left").search(left) is not None
    bracketed = left[-1:] in ("(", "（") and right[:1] in (")", "）")
    addressed = _pattern("addressed_right").match(right) is not None
    cued = label is not None or bracketed or addressed or (number and edged)
    before, after = _left_evidence(left, label), _right_evidence(right, number, addressed)
    score = candidate.score + before + after
    if before >= 3.5 and after >= 2.5 and candidate.text not in word_set("not_names"):
        score += _FRAMED - 1.0
    if _pattern("alias_right").match(right):
        score -= 50.0
    if _framed(candidate.text, left, right, label, number or addressed):
        score += _FRAMED
    if bracketed:
        score += 2.5
    if edged and _pattern("stop_right").match(right):
        score += 4.0 if left and not right.strip("。.!！ \n") else 2.0  # signed at the end of the text
    if candidate.text[-1] in _PLACE_ENDING and (bracketed or (label and not label["mark"])):
        score -= 8.0
    if not cued:
        score += _place_evidence(candidate.text, right)
        if background().get(candidate.text, 99.0) < _ORDINARY:
            score -= 3.0
    hinted = cued or before >= 3 or after >= 2.5 or (before >= 1 and after >= 1)
    placed = _is_place(right)
    return Candidate(candidate.field, start, end, candidate.text, score, placed, cued, hinted=hinted)


def _framed(text: str, left: str, right: str, label: re.Match[str] | None, addressed: bool) -> bool:
    """Whether the place is one for a name whatever the word (联系人：秦岭, 高兴，女，…): between a label or
    a beginning and an edge, speech or a number.
    """
    if text in word_set("not_names") or _is_place(right):
        return False
    if label and (label["mark"] or text not in acts()):
        return addressed or bool(_pattern("framed_right").match(right))
    number_left = _pattern("number_left").search(left) is not None
    if number_left or _pattern("edge_left").search(left):
        return addressed or (number_left and bool(_pattern("stop_right").match(right)))
    return False


def _left_evidence(left: str, label: re.Match[str] | None) -> float:
    if label:
        return 9.0 if label["mark"] else 6.0
    role = _pattern("role_left").search(left)
    if role:
        return 1.0 if role["word"] in word_set("weak") else 3.5
    return 1.0 if _pattern("edge_left").search(left) else 0.0


def _right_evidence(right: str, number: bool, addressed: bool) -> float:
    if number or addressed:
        return 5.0
    if _pattern("person_right").match(right):
        return 3.0
    if _pattern("speech_right").match(right):
        return 2.5
    return 1.0 if _pattern("verb_right").match(right) or _pattern("edge_right").match(right) else 0.0


def _place_evidence(text: str, right: str) -> float:
    """Against a name: it ends like a place, or what follows makes it part of a place's or an
    organisation's name.
    """
    if text[-1] in _PLACE_ENDING or (text[1] == "家" and text[-1] in _HILL_ENDING):
        score = -6.0  # 和平路, 伍家岭
    else:
        score = -2.0 if text[-1] in _HILL_ENDING else 0.0
    if not _pattern("person_right").match(right):
        if _is_place(right):
            score -= 6.0
        if _pattern("org_right").match(right):
            score -= 5.0
    return score


def _is_place(right: str) -> bool:
    return bool(_pattern("place_right").match(right)) and not _pattern("not_place").match(right)


def _listed(view: str, start: int, end: int, certain: frozenset[str]) -> bool:
    """Whether the candidate stands in a list beside a name that is certain."""
    listing = "、,，和与及/ "
    before = after = None
    if view[start - 1 : start] in listing:
        before = re.search(rf"([\u4e00-\u9fff]{{2,4}})[{listing}]$", view[max(0, start - 5) : start])
    if view[end : end + 1] in listing:
        after = re.match(rf"[{listing}]([\u4e00-\u9fff]{{2,4}})", view[end : end + 5])
    return bool(
        (before and any(before[1].endswith(name) for name in certain))
        or (after and any(after[1].startswith(name) for name in certain))
    )


def _best(candidates: list[Candidate]) -> list[Candidate]:
    """Of candidates that overlap, the one with the highest score."""
    taken: dict[str, set[int]] = {}
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: (-c.score, c.field, c.start)):
        places = taken.setdefault(one.field, set())
        if places.isdisjoint(range(one.start, one.end)):
            places.update(range(one.start, one.end))
            kept.append(one)
    return kept


def _stands_alone(view: str, start: int, end: int, known: bool) -> bool:
    """Whether an occurrence of a name's characters is the name, not part of a place name or a longer word."""
    left, right = view[max(0, start - 12) : start], view[end : end + 14]
    if end - start >= 3:
        return known or not _pattern("estate_right").match(right)
    if _is_place(right) and not _pattern("person_right").match(right):
        return False
    before = re.search(r"[\u3400-\u9fff]*$", left)
    after = _RUN.match(right)
    run = (before[0] if before else "") + view[start:end] + (after[0] if after else "")
    at = len(before[0]) if before else 0
    context = _left_evidence(left, _pattern("label_left").search(left)) + _right_evidence(right, False, False)
    if background().get(view[start:end], 99.0) < _ORDINARY and not _named_here(left, right):
        return False
    return Reading(run).gain(at, at + 2, 14.0 if known else 22.0) + context > (-8 if known else -6)


def _named_here(left: str, right: str) -> bool:
    """Whether the place lets an ordinary word (高峰, 成功) be a name that the case has."""
    if _pattern("thing_right").match(right):
        return False
    if _left_evidence(left, _pattern("label_left").search(left)):
        return True
    return bool(_pattern("person_right").match(right) or _pattern("speech_right").match(right))


def _by_form(view: str) -> Iterator[Span]:
    """Names that their form betrays: with a dot (阿依古丽·买买提), of Tibetan elements, Latin after 外籍专家,
    spaced after a label.
    """
    for form in ("dotted_translit", "dotted_labelled", "tibetan", "foreigner", "foreigner_before", "spaced", "steppe"):
        for match in _pattern(form).finditer(view):
            if match["name"] not in word_set("not_foreigner"):
                yield Span(
                    match.start("name"),
                    match.end("name"),
                    "姓名",
                    person=re.sub(r"(?<=^.) +(?=.$)", "", match["name"]),
                )


def _parts(view: str, dotted: list[str]) -> Iterator[Span]:
    """The parts of dotted names standing alone (阿依古丽 for 阿依古丽·买买提)."""
    for person in dotted:
        for part in person.split("·"):
            if len(part) >= 3:
                for match in re.finditer(re.escape(part), view):
                    yield Span(match.start(), match.end(), "姓名", person=person)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    opening = r"(?P<mark>[:(（“\"'‘【 ]?)[是为叫系]?[:(（“\"'‘【 ]{0,2}"
    translit = f"(?:{any_of('steppe')}|[{''.join(sorted(set(words('translit'))))}])"
    translit_char = f"[{''.join(sorted(set(words('translit'))))}]"
    single = f"[{''.join(sorted(name for name in surnames().cost if len(name) == 1))}]"
    sources = {
        "label_left": rf"(?:{any_of('label')}){opening}$",
        "role_left": rf"(?P<word>{any_of('role')})[ (（“\"]?$",
        "edge_left": r"(?:^|[,，。;；!！?？、:：(（“\"\n\s>》】\]_+/|-])$",
        "edge_right": r"$|[,，。;；!！?？、)）\"”'’\s_+/|.-]",
        "stop_right": r"$|[。；;\n]",
        "alias_right": r"[(（,，]?(?:均|都)?[为系是]?化名",
        "framed_right": rf"$|[,，。;；!！、)）\n\s/(（]|{MASK}|{any_of('speech')}",
        "number_left": rf"{MASK}[)）]?[ ,，、;；]{{0,2}}$",
        "not_place": any_of("not_place"),
        "number_right": r"[ ,，、:(（]{0,2}"
        r"(?:电话|手机号?码?|联系电话|联系方式|身份证号?码?|证号|号码|tel|TEL)?[:： ]{0,2}"
        rf"{MASK}",
        "addressed_right": r"[(（,， ]?[男女](?:[,，,性 )）]|\d)|[(（](?:身份证|已故|\d{4}年|\d{2}岁)"
        r"|[(（](?:[父母夫妻子女兄弟哥姐妹]|儿子|女儿|丈夫|妻子|父亲|母亲|哥哥|弟弟|姐姐|妹妹|老伴|户主|本人)[)）]"
        r"|[,，]?(?:现年|今年)[\d一二三四五六七八九十]{1,3}岁"
        rf"|{any_of('addressed')}",
        "speech_right": any_of("speech"),
        "person_right": any_of("person_after"),
        "verb_right": any_of("verb_after"),
        "place_right": any_of("place_after"),
        "estate_right": "|".join(word for word in words("place_after") if len(word) > 1),
        "thing_right": any_of("thing_after"),
        "org_right": r"(?:(?![的了是在到这那一和与因说找去从被把开办想要有来向由给])[\u4e00-\u9fff]){0,8}?"
        rf"(?:{any_of('org_end')})",
        "dotted_translit": rf"(?P<name>{translit}{{1,8}}(?:·{translit}{{1,8}})+)",
        "dotted_labelled": rf"(?:{any_of('label')}){opening}"
        r"(?P<name>[\u4e00-\u9fa5]{1,6}(?:·[\u4e00-\u9fa5]{1,6})+)",
        "tibetan": rf"(?P<name>(?:{any_of('tibetan')}){{2,3}}"
        rf"|(?:{any_of('tibetan')})(?=[、,，](?:{any_of('tibetan')}){{2}}))",
        # Uyghur, Kazakh and Mongolian names without a dot.
        "steppe": rf"(?<!{translit_char})(?=[\u4e00-\u9fff]{{3}})"
        rf"(?P<name>{translit}{{0,5}}(?:{any_of('steppe')}){translit}{{0,4}})(?!{translit}|{any_of('place_after')})",
        "spaced": rf"(?:{any_of('label')})[:：]? ?"
        rf"(?P<name>{single} {{1,2}}[\u4e00-\u9fa5])(?![\u4e00-\u9fa5])",
        "foreigner_before": rf"(?<![A-Za-z])(?P<name>{_LATIN}) ?(?={any_of('addressed')}|教授|博士)",
        "foreigner": rf"(?:{any_of('foreigner')}|国人|国籍)[ :是为叫(（“\"]{{0,2}}"
        rf"(?P<name>{_LATIN})(?![A-Za-z0-9])",
    }
    return re.compile(sources[name])
