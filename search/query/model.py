"""What a typed question is made of: plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Synonym:
    """A word of the question, as it stands in its meaning, and the official terms that say the same."""

    word: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Correction:
    """A misspelt word as it was typed and the word of the library that was taken for it."""

    typed: str
    meant: str


@dataclass(frozen=True)
class Query:
    """A question as the engines see it.

    ``text`` is what was typed, without control characters, lone surrogates and superfluous blanks.
    ``meaning`` is what is searched for: operators taken out, typing errors corrected, fillers dropped, dialect
    put into standard words, long speech reduced to its obstacle; it equals ``text`` when there is nothing to do.
    ``words`` and ``pairs`` are the distinct content words and character bigrams of the meaning; ``phrases`` must
    stand in a case, what is in ``without`` must not.  ``number`` is set when the whole question is one number of a
    case, an item or a document; ``cut`` when only the beginning of what was typed is looked at.
    """

    text: str
    meaning: str = ""
    words: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    synonyms: tuple[Synonym, ...] = ()
    corrections: tuple[Correction, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    number: str = ""
    cut: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.pairs and not self.words

    @property
    def spelled_out(self) -> str:
        """The meaning with the first official term in brackets after each lay word: what is embedded."""
        text = self.meaning
        for synonym in self.synonyms:
            text = text.replace(synonym.word, f"{synonym.word}（{synonym.terms[0]}）", 1)
        return text


class Vocabulary(Protocol):
    """What a library's cases say about words."""

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        """In how many cases each of *words* (words or character bigrams) stands; absent ones may be left out."""

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """Words of the cases pronounced *sound* (toneless pinyin without blanks) with their case counts, most
        frequent first."""
