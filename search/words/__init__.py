"""Words of a text, for the index, for queries and for highlights.

Three views of one text, all over its folded form (simplified characters, half-width, lower case), which
has exactly as many characters as the text, so that offsets hold for both:

* :func:`words`: jieba's search mode with our dictionary, numbers of documents kept whole;
* :func:`bigrams`: pairs of neighbouring Chinese characters, which need no dictionary;
* :func:`passages`: pieces of a long text, cut where sentences end.

The lists ``dictionary.txt`` and ``stopwords.txt`` lie beside this file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import unicodedata
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DICTIONARY = FOLDER / "dictionary.txt"
STOPWORDS = FOLDER / "stopwords.txt"
LONGEST_WORD = 16  # characters of the dictionary's longest words
# Raise when the code below would cut the same text another way.
VERSION = 1

# 〔姓名1〕: what de-identification put in; it says nothing and must not make two cases alike.
_PLACEHOLDER = re.compile(r"[〔【]([^\W\d]{1,12})\d{1,4}[〕】]")
# 国办发〔2023〕29号, with whatever brackets people type.
_DOC_NO = re.compile(
    r"([\u4e00-\u9fff]{1,20})\s?[〔\[(【﹝〈{]\s?((?:19|20)\d\d)\s?[〕\])】﹞〉}]"
    r"\s?(?:第\s?)?0*(\d{1,6})\s?号"
)
# What stands before a number in a sentence and is not part of it.
_DOC_NO_LEAD = re.compile(
    r".*(?:根据|按照|依据|依照|参照|遵照|执行|印发|落实|参见|详见"
    r"|以及|文件|通知|关于|见|和|与|及|按|的|以)"
)
_WORD = re.compile(r"\w")
_HAN_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
_LATIN_RUN = re.compile(r"[a-z0-9]{2,}")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+|[^。！？!?；;\n]+")
_OPEN = " 的和与及或（(《“"  # what a text that is cut must not end with
_CLAUSE_MARK = re.compile(r"[，,、；;：:]")
_CLAUSE = re.compile(r"[^，,、]*[，,、]+|[^，,、]+")


@dataclass(frozen=True)
class Word:
    """A word of a text: its folded form and where it stands (end exclusive)."""

    text: str
    start: int
    end: int


class _Fold(dict[int, int]):
    """Character → folded character, worked out when first met."""

    def __missing__(self, code: int) -> int:
        char = chr(code)
        if 0xD800 <= code <= 0xDFFF:
            return code
        plain = _simplifier().convert(unicodedata.normalize("NFKC", char)).lower()
        # What folds to several characters (㎡) stays, so that offsets hold.
        self[code] = ord(plain) if len(plain) == 1 else code
        return self[code]


_FOLD = _Fold()


@cache
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def fold(text: str) -> str:
    """*text* in simplified, half-width, lower-case characters; as long as *text*."""
    return text.translate(_FOLD)


def without_placeholders(text: str) -> str:
    """*text* with 〔姓名1〕 and its like replaced by as many blanks."""
    return _PLACEHOLDER.sub(lambda found: " " * len(found.group()), text)


def document_numbers(text: str) -> list[Word]:
    """Numbers of official documents in *text*, in one spelling (国办发〔2023〕29号)."""
    return [_document_number(found) for found in _DOC_NO.finditer(fold(text))]


def _document_number(found: re.Match[str]) -> Word:
    issuer = _DOC_NO_LEAD.sub("", found.group(1)) or found.group(1)
    start = found.start() + len(found.group(1)) - len(issuer)
    return Word(f"{issuer}〔{found.group(2)}〕{found.group(3)}号", start, found.end())


def words(text: str) -> list[Word]:
    """All words of *text* in jieba's search mode (long words and the words inside them), with offsets.

    A document number is one word; punctuation and placeholders are left out; function words are kept.
    """
    folded = without_placeholders(fold(text))
    found = document_numbers(folded)
    for number in found:
        folded = folded[: number.start] + " " * (number.end - number.start) + folded[number.end :]
    for piece, start, end in _cutter().tokenize(folded, mode="search"):
        if _WORD.search(piece):
            found.append(Word(piece, start, end))
            found += _inner(piece, start)
    return sorted(found, key=lambda word: (word.start, word.end))


def _inner(piece: str, start: int) -> list[Word]:
    """Words of four characters and more inside a longer one: jieba's search mode gives only shorter ones, and
    不动产权证 must be found in 不动产权证书."""
    known = _cutter().FREQ
    return [
        Word(piece[at : at + size], start + at, start + at + size)
        for size in range(4, min(len(piece), LONGEST_WORD + 1))
        for at in range(len(piece) - size + 1)
        if known.get(piece[at : at + size])
    ]


def known(word: str) -> bool:
    """Whether *word* (folded) stands in the dictionary, jieba's or ours."""
    return bool(_cutter().FREQ.get(word))


def content_words(text: str) -> list[Word]:
    """:func:`words` without function words."""
    ignored = stopwords()
    return [word for word in words(text) if word.text not in ignored]


def bigrams(text: str) -> list[str]:
    """Pairs of neighbouring Chinese characters of *text*, and runs of letters and digits whole."""
    folded = without_placeholders(fold(text))
    pairs = []
    for run in _HAN_RUN.findall(folded):
        pairs += [run[at : at + 2] for at in range(len(run) - 1)] or [run]
    return pairs + _LATIN_RUN.findall(folded)


def passages(text: str, longest: int = 140) -> list[tuple[int, int]]:
    """Where to cut *text* into pieces of at most *longest* characters: [(start, end)].

    Cuts fall at ends of sentences, else at commas, else anywhere.  Pieces are filled evenly, so that a text a
    little longer than one piece does not leave a stump.
    """
    if not text.strip():
        return []
    # A quarter of slack: pieces end at sentences and cannot all be full.
    count = -(-len(text) // longest)
    goal = min(longest, len(text) / count * 1.25)
    pieces: list[tuple[int, int]] = []
    for start, end in _atoms(text, longest):
        if pieces and end - pieces[-1][0] <= goal:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return [(start, end) for start, end in pieces if _WORD.search(text[start:end])]


def _atoms(text: str, longest: int) -> list[tuple[int, int]]:
    """The smallest pieces of *text* that :func:`passages` keeps whole."""
    atoms = []
    for start, end in sentences(text):
        if end - start <= longest:
            atoms.append((start, end))
            continue
        for clause in _CLAUSE.finditer(text, start, end):
            atoms += [(at, min(at + longest, clause.end())) for at in range(*clause.span(), longest)]
    return atoms


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of *text* lie, with the marks that end them."""
    return [found.span() for found in _SENTENCE.finditer(text)]


def cut(text: str, longest: int, least: int = 1) -> str:
    """*text* in at most *longest* characters: if too long its beginning, up to the last mark between clauses that
    leaves *least* characters, else up to the end of a word, with an ellipsis."""
    if len(text) <= longest:
        return text
    marks = [found.start() for found in _CLAUSE_MARK.finditer(text, least, longest + 1)]
    if marks:
        return text[: marks[-1]]
    spans = [(word.start, word.end) for word in words(text)]
    spans += [found.span() for found in _PLACEHOLDER.finditer(text)]
    room = longest - 1
    ends = (at for at in range(room, 0, -1) if not any(start < at < end for start, end in spans))
    return (text[: next(ends, room)].rstrip(_OPEN) or text[:room]) + "…"


@cache
def stopwords() -> frozenset[str]:
    """The words of ``stopwords.txt``."""
    return frozenset(_lines(STOPWORDS))


@cache
def fingerprint() -> str:
    """Changes whenever a text would be cut into other words: part of an index's stamp."""
    libraries = "-".join(version(name) for name in ("jieba", "opencc"))
    return f"{VERSION}-{hashlib.sha256(DICTIONARY.read_bytes()).hexdigest()[:12]}-{libraries}"


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [fold(line) for line in lines if line and not line.startswith("#")]


@cache
def _cutter() -> Any:
    """jieba with our dictionary, loaded once, quietly, with its cache in a folder of this user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.CRITICAL)
    cutter = jieba.Tokenizer()
    folder = Path(tempfile.gettempdir()) / f"bancheng-{getattr(os, 'getuid', str)()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    cutter.tmp_dir = str(folder)
    cutter.initialize()
    for word in _lines(DICTIONARY):
        cutter.add_word(word)
    return cutter
