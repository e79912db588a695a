"""From what a person types to what the engines look for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from .. import words
from . import operators, speech, synonyms, typos
from .model import Correction, Query, Synonym, Vocabulary

__all__ = ["LONGEST", "Correction", "Query", "Synonym", "Vocabulary", "number", "understand"]

LONGEST = 1000  # characters that are looked at
_SPACES = re.compile(r"\s+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def understand(typed: str, vocabulary: Vocabulary | None = None, literally: bool = False) -> Query:
    """Takes a question apart; never fails, whatever was typed.

    Typing errors are corrected where *vocabulary* bears that out, unless the words are to be taken *literally*.
    """
    text = _SPACES.sub(" ", "".join(_plain(char) for char in typed[: 4 * LONGEST])).strip()
    cut = len(typed) > 4 * LONGEST or len(text) > LONGEST
    text = text[:LONGEST]
    question, phrases, without = operators.split(text)
    asked = Query(text, phrases=phrases, without=without, number=number(question), cut=cut)
    if asked.number and _is_number(question):
        return _meaning(asked, question)
    meaning = speech.plain(question, phrases)[:LONGEST]
    corrections: tuple[Correction, ...] = ()
    if vocabulary is not None and not literally:
        meaning, corrections = typos.correct(meaning, vocabulary, phrases)
    asked = _meaning(replace(asked, corrections=corrections), meaning)
    return replace(asked, synonyms=synonyms.find(meaning, asked.words))


def _meaning(asked: Query, meaning: str) -> Query:
    """*asked* with this meaning and its words and pairs."""
    found = words.content_words(meaning) or words.words(meaning)
    distinct = tuple(dict.fromkeys(word.text for word in found))
    return replace(asked, meaning=meaning, words=distinct, pairs=tuple(dict.fromkeys(words.bigrams(meaning))))


def number(text: str) -> str:
    """*text* in the form under which numbers are kept, or empty if it does not look like one number.

    Document numbers get one spelling; other numbers lose blanks and get half-width capitals.
    """
    found = words.document_numbers(text)
    rest = words.fold(text).strip("《》“”\"'()[]，。,. ")
    if len(found) == 1 and found[0].end - found[0].start >= len(rest):
        return found[0].text
    plain = _SPACES.sub("", rest).upper()
    return plain if len(plain) <= 64 and any(char.isdigit() for char in plain) else ""


def _is_number(text: str) -> bool:
    """Whether *text*, which may be a number by :func:`number`, is nothing else: no sentence with a number in it."""
    document = words.document_numbers(text)
    if document and document[0].text == number(text):
        return True
    return 2 * len(_HAN.findall(text)) < sum(char.isascii() and char.isalnum() for char in words.fold(text))


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cs", "Cn"):
        return ""
    return " " if category in ("Cc", "Cf", "Zl", "Zp") else char
