"""Misspelt names: a name that differs from a person's by one character that sounds alike or was
plainly mistaken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .lexicon import background, surnames, words
from .spans import Span

_PARTICLES = "的说称在去来到是有就也又和与"


def find_misspellings(view: str, persons: list[str], known: bool) -> Iterator[Span]:
    """Spans of kind 姓名误写 for each person.

    `known`: the names come from the record's own columns, so a spelling that sounds alike suffices;
    otherwise the text beside it must speak of a wrongly written name.
    """
    for person in persons:
        if len(person) == 2:
            yield from _quoted(view, person)
        if not re.fullmatch(r"[\u3400-\u9fff]{3,4}", person):
            continue
        for place in range(len(person)):
            pattern = re.escape(person[:place]) + r"([\u3400-\u9fff])" + re.escape(person[place + 1 :])
            for match in re.finditer(pattern, view):
                if match[1] == person[place]:
                    continue
                mistaken = _mistaken(view, match.start(), match.end())
                if (known or mistaken) and _plausible(person, match[0], place, mistaken):
                    yield Span(match.start(), match.end(), "姓名误写", person=person)


def same_person(one: str, other: str) -> bool:
    """Whether two names differ in exactly one character and that character sounds the same."""
    if len(one) != len(other) or len(one) < 2:
        return False
    places = [place for place in range(len(one)) if one[place] != other[place]]
    return len(places) == 1 and _sounds_alike(one[places[0]], other[places[0]])


def _mistaken(view: str, start: int, end: int) -> bool:
    """Whether the words around say that a name was written wrongly, or the name stands in quotation marks."""
    if view[max(0, start - 1) : start] in tuple("“\"'‘「") and view[end : end + 1] in tuple("”\"'’」"):
        return True
    around = view[max(0, start - 20) : start] + " " + view[end : end + 20]
    return any(word in around for word in words("miswritten"))


def _plausible(person: str, variant: str, place: int, mistaken: bool) -> bool:
    alike = _sounds_alike(person[place], variant[place])
    if place == 0:
        given_is_word = person[1:] in background() and background()[person[1:]] < 11
        return variant[0] in surnames().cost and (alike or (mistaken and not given_is_word))
    if place == len(person) - 1 and not alike:
        return mistaken and variant[1:] not in background() and variant[place] not in _PARTICLES
    return alike or mistaken


def _quoted(view: str, person: str) -> Iterator[Span]:
    for match in re.finditer(r"(?<=[“\"'‘「])[\u3400-\u9fff]{2}(?=[”\"'’」])", view):
        if same_person(person, match[0]):
            yield Span(match.start(), match.end(), "姓名误写", person=person)


def _sounds_alike(one: str, other: str) -> bool:
    return bool(_sounds(one) & _sounds(other))


@lru_cache(maxsize=4096)
def _sounds(char: str) -> frozenset[str]:
    from pypinyin import Style, pinyin  # its tables take a third of a second to load

    return frozenset(pinyin(char, style=Style.NORMAL, heteronym=True)[0])
