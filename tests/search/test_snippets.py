"""Snippets: marks stay where they belong, and nothing that was text becomes markup."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from search.snippets import snippet


def test_marks_overlapping_spans_once() -> None:
    assert snippet("房产证与银行不一致", [[0, 3], [2, 5]]) == Markup("<mark>房产证与银</mark>行不一致")


def test_escapes_text_and_marked_text() -> None:
    assert snippet("<b>甲</b>", [[0, 3]]) == Markup("<mark>&lt;b&gt;</mark>甲&lt;/b&gt;")


def test_long_text_begins_with_the_sentence_that_was_found() -> None:
    text = "开头说别的事。" * 40 + "社保欠费转不走。" + "后面又说别的。" * 40
    at = text.index("社保欠费")
    shown = snippet(text, [[at, at + 4]], 100)
    assert shown.startswith("……<mark>社保欠费</mark>转不走。")
    assert shown.endswith("……") and len(shown) < 150


def test_the_place_that_shows_most_of_what_was_asked_is_shown() -> None:
    text = "社保的事。" * 3 + "中间说别的。" * 40 + "社保欠费，公积金也停了。" + "后面又说别的。" * 40
    spans = [[found.start(), found.end()] for found in re.finditer("社保|欠费|公积金", text)]
    assert "公积金" in snippet(text, spans, 100)


def test_the_beginning_stays_where_nothing_else_shows_more() -> None:
    text = "社保断了。" + "中间说别的。" * 40 + "社保、社保、社保。" * 3
    spans = [[found.start(), found.end()] for found in re.finditer("社保", text)]
    assert snippet(text, spans, 100).startswith("<mark>社保</mark>断了。")


def test_the_last_mark_seen_is_not_cut_off() -> None:
    text = "甲" * 70 + "。" + "乙" * 20 + "公积金" + "丙" * 100
    assert "<mark>公积金</mark>" in snippet(text, [[0, 1], [91, 94]], 100)


def test_short_text_is_whole() -> None:
    assert snippet("短", []) == Markup("短")
    assert snippet("", [[0, 5]]) == Markup("")


@given(st.text(max_size=400), st.lists(st.lists(st.integers(-10, 500), min_size=2, max_size=2), max_size=6),
       st.integers(10, 200))  # fmt: skip
def test_anything_is_escaped_and_only_cut(text: str, spans: list[list[int]], longest: int) -> None:
    shown = snippet(text, spans, longest)
    bare = re.sub("</?mark>", "", str(shown))
    assert "<" not in bare and ">" not in bare
    plain = Markup(bare).unescape()
    assert plain.removeprefix("……").removesuffix("……") in text or plain in text
    assert len(plain) <= longest + 4
