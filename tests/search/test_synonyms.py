"""Lay words → official terms: how words are found, and the form of the reviewed list."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from search import words
from search.query import synonyms


def found(text: str) -> dict[str, tuple[str, ...]]:
    said = [word.text for word in words.content_words(text)]
    return {synonym.word: synonym.terms for synonym in synonyms.find(text, said)}


@pytest.mark.parametrize(
    ("text", "word", "term"),
    [
        ("房本在我爸名下怎么过户", "房本", "不动产权证书"),
        ("屋基地想重新起房子", "屋基地", "宅基地"),
        ("农合断了还能补吗", "农合", "城乡居民基本医疗保险"),
        ("慢病卡怎么办", "慢病卡", "门诊慢特病"),
        ("电驴子上不了牌", "电驴子", "电动自行车"),
        ("想给堂客办随迁", "堂客", "妻子"),
        ("工商局让我找别的部门", "工商局", "市场监督管理局"),
        ("來辦准生證", "准生證", "生育登记"),
        ("ＣＡ锁丢了", "ＣＡ锁", "数字证书"),
    ],
)
def test_lay_words_are_translated(text: str, word: str, term: str) -> None:
    assert term in found(text)[word]


def test_the_longest_word_counts() -> None:
    assert set(found("电瓶车上牌要什么")) == {"电瓶车上牌"}


@pytest.mark.parametrize(
    "text", ["客户头像传不上去", "口粮补贴没有发", "高中考试成绩复核", "士兵的士气", "其中人员已退休"]
)
def test_nothing_is_found_across_other_words(text: str) -> None:
    assert found(text) == {}


def test_a_word_with_several_senses_needs_its_context() -> None:
    assert "账户" in found("公积金户头里的钱取不出来")["户头"]
    assert "户口" in found("把户头迁到派出所")["户头"]
    assert found("户头怎么改") == {}
    assert "驾驶证" in found("扣分以后本子怎么换")["本子"]
    assert "不动产权证书" in found("房子的本子丢了")["本子"]


def test_the_context_must_stand_outside_the_word() -> None:
    assert "婚姻" not in str(found("领证"))
    assert "结婚登记" in found("和男朋友领证")["领证"]


def test_abbreviations_work_both_ways() -> None:
    assert found("社保怎么交") == {"社保": ("社会保险",)}
    assert found("社会保险怎么交") == {"社会保险": ("社保",)}


def test_what_the_question_says_already_is_left_out() -> None:
    assert "不动产权证书" not in found("房本就是不动产权证书吗").get("房本", ())


def test_terms_are_limited_and_distinct() -> None:
    every = [entry.say[0] for entry in synonyms.entries() if not entry.when][:200]
    terms = [term for several in found("，".join(every)).values() for term in several]
    assert len(terms) == len(set(terms)) == synonyms.MOST_IN_ALL
    assert all(len(several) <= synonyms.MOST_TERMS for several in found("刷脸领养老金，本子丢了，房子退休").values())


@given(st.text())
@settings(deadline=None)
def test_whatever_is_typed_is_survived(text: str) -> None:
    assert all(synonym.word in text and synonym.terms for synonym in synonyms.find(text, ()))


# The list


def test_every_entry_is_well_formed() -> None:
    for entry in synonyms.entries():
        strings = [*entry.say, *entry.mean, *entry.when]
        assert entry.say and entry.mean
        assert strings == [words.fold(one).strip() for one in strings], entry
        assert all(len(one) > 1 for one in [*entry.say, *entry.mean]), entry
        assert not set(entry.say) & set(entry.mean), entry
        assert len(set(entry.say)) == len(entry.say) and len(set(entry.mean)) == len(entry.mean), entry


def test_no_word_is_said_twice_in_the_same_context() -> None:
    said = Counter((word, frozenset(entry.when)) for entry in synonyms.entries() for word in entry.say)
    assert [key for key, count in said.items() if count > 1] == []


def test_a_context_variant_says_something_new() -> None:
    plain = {
        (word, term) for entry in synonyms.entries() if not entry.when for word in entry.say for term in entry.mean
    }
    for entry in synonyms.entries():
        if entry.when:
            assert all(set(entry.mean) - {term for said, term in plain if said == word} for word in entry.say), entry


def test_sections_are_in_pinyin_order() -> None:
    sections = yaml.safe_load(synonyms.FILE.read_text(encoding="utf-8"))
    for name, section in sections.items():
        first = [lazy_pinyin(entry["say"][0]) for entry in section]
        assert first == sorted(first), name
        assert all(set(entry) <= {"say", "mean", "when", "both"} for entry in section), name


def test_the_list_is_large_enough_to_matter() -> None:
    assert len(synonyms.entries()) >= 800
