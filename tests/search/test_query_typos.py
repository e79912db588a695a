"""Typing errors: what the library's words put right, and what they leave alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import pytest
import yaml

import ingest.demo
from search import words
from search.query import Correction, understand
from search.query.typos import LOOKALIKES, correct, settings
from search.words.sounds import sound

CASES = Path(ingest.demo.__file__).with_name("cases")
FIELDS = ("matter", "demand", "obstacle", "measure", "result")


class Library:
    """A vocabulary of texts, as the engine counts them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.cases: Counter[str] = Counter()
        self.sounds: dict[str, set[str]] = defaultdict(set)
        for text in texts:
            found = {word.text for word in words.words(text)}
            self.cases.update(found | set(words.bigrams(text)))
            for word in found:
                if re.fullmatch(r"[\u4e00-\u9fff]{2,6}", word):
                    self.sounds[sound(word)].add(word)

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        return {word: self.cases[word] for word in words if word in self.cases}

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        return sorted(((word, self.cases[word]) for word in self.sounds[sound]), key=lambda one: -one[1])


@cache
def demo() -> tuple[str, ...]:
    """The texts of the demonstration library's cases."""
    files = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.yml")))
    cases = [case for file in files for case in file["cases"]]
    return tuple("。".join(str(case[field]) for field in FIELDS if case.get(field)) for case in cases)


@pytest.fixture(scope="module")
def library() -> Library:
    """The demonstration library, and everyday terms of service in as many made-up cases as they would stand in."""
    terms = "社保 医保 驾照 户口 户口簿 身份证 房产证 结婚证 公积金 居住证 抵押 残疾 贷款 营业执照 注销 出生证明"
    return Library([*demo(), *(f"{term}的办理。" for term in terms.split() for _ in range(30))])


def test_a_word_of_the_dictionary_that_no_case_uses_is_not_cut_apart() -> None:
    library = Library(["保证金的保证"] * 60 + ["的"] * 400)
    assert words.known("台胞证") and not library.counts(["台胞证"])
    assert correct("台胞证可以开公司吗", library) == ("台胞证可以开公司吗", ())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("社宝转移", "社保转移"),
        ("驾昭过期", "驾照过期"),
        ("医宝报销", "医保报销"),
        ("户扣迁移", "户口迁移"),
        ("户口薄丢失", "户口簿丢失"),
        ("身份正补办", "身份证补办"),
        ("房产正丢失", "房产证丢失"),
        ("结昏证补领", "结婚证补领"),
        ("公积今提取", "公积金提取"),
        ("公鸡金提取", "公积金提取"),
        ("营业直照", "营业执照"),
        ("居住正办理", "居住证办理"),
        ("抵压手续", "抵押手续"),
        ("残级人", "残疾人"),
        ("贷宽", "贷款"),
        ("出生正明", "出生证明"),
        ("出身证明", "出生证明"),
        ("居祝证", "居住证"),
        ("社堡卡", "社保卡"),
        ("营业执赵", "营业执照"),
        ("申份证", "身份证"),  # shen for sheng would do too: said alike in many regions
    ],
)
def test_misspelt_terms(library: Library, typed: str, meant: str) -> None:
    assert correct(typed, library)[0] == meant


def test_a_correction_is_shown_and_can_be_taken_back(library: Library) -> None:
    asked = understand("您好，驾昭丢了怎么办", library)
    assert (asked.text, asked.meaning) == ("您好，驾昭丢了怎么办", "驾照丢了")
    assert asked.corrections == (Correction("驾昭", "驾照"),) and "驾照" in asked.words
    literal = understand("您好，驾昭丢了怎么办", library, literally=True)
    assert (literal.meaning, literal.corrections) == ("驾昭丢了", ())
    assert understand("驾昭丢了").corrections == ()


@pytest.mark.parametrize(
    "typed",
    [
        "景点预约",
        "经典案例",
        "我有事要问",
        "证在哪里领",
        "社保卡丢了",
        "社宝镇政府",
        "国办发〔2023〕29号",
        "2024-05",
        "",
        "保",
    ],
)
def test_what_is_no_error(library: Library, typed: str) -> None:
    assert correct(typed, library) == (typed, ())


def test_words_of_the_dictionary_are_not_turned_into_homophones() -> None:
    library = Library(["经典的案例。"] * 50 + ["这里有景观。"] * 2)
    assert correct("景点预约", library)[1] == ()


def test_a_rare_word_is_no_witness() -> None:
    assert correct("驾昭过期", Library(["驾照丢失。"] * 2 + ["的"] * 60))[1] == ()


def test_quoted_phrases_and_numbers_are_not_corrected(library: Library) -> None:
    assert correct("社宝转移", library, ["社宝"])[1] == ()
    assert understand("“社宝”转移", library).corrections == ()
    assert understand("社宝发〔2023〕29号", library).corrections == ()


def test_at_most_a_few_corrections_and_the_first_part_only(library: Library) -> None:
    text, found = correct("社宝，医宝，驾昭，户扣，贷宽", library)
    changed = sum(a != b for a, b in zip(text, "社宝，医宝，驾昭，户扣，贷宽", strict=True))
    assert len(found) == changed == settings()["most"]
    assert correct("的" * 500 + "驾昭", library)[1] == ()


def test_two_hundred_clean_sentences_stay_untouched() -> None:
    """Sentences of every other case against the words of the rest, in which many of theirs do not stand."""
    library = Library(demo()[::2])
    sentences = [text for case in demo()[1::2] for text in re.split("[。；]", case) if len(text) > 5]
    assert len(sentences) >= 200
    touched = {text: correct(text, library)[1] for text in sentences}
    assert {text: found for text, found in touched.items() if found} == {}


def test_groups_of_lookalikes_are_distinct() -> None:
    lines = LOOKALIKES.read_text(encoding="utf-8").splitlines()
    groups = [line for line in lines if line and not line.startswith("#")]
    assert len(groups) >= 150
    assert all(len(set(group)) == len(group) >= 2 for group in groups)
    assert len({frozenset(group) for group in groups}) == len(groups)
