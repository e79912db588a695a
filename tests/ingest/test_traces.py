"""Traces recognise, and cannot be read."""

from __future__ import annotations

import pytest

from ingest.traces import masked_names, traces

SECRET = b"0123456789abcdef"


def kinds(found: frozenset[str]) -> set[str]:
    return {trace.partition(":")[0] for trace in found}


@pytest.mark.parametrize(
    ("string", "kind"),
    [
        ("13800000000", {"p"}),
        ("0531-1234567", {"p"}),
        ("11010519491231002X", {"i"}),
        ("山海贸易有限公司", {"c"}),
        ("李小明", {"n", "s"}),
        ("李先生", {"s"}),
        ("李某某", {"s"}),
        ("A00012345", {"o"}),
        ("", set()),
    ],
)
def test_kinds(string: str, kind: set[str]) -> None:
    assert kinds(traces([string], SECRET)) == kind


def test_writing_does_not_matter_but_the_secret_does() -> None:
    assert traces(["138 0000 0000"], SECRET) == traces(["138-0000-0000"], SECRET)
    assert traces(["李小明"], SECRET) != traces(["李小明"], b"another secret 16")


def test_a_trace_is_short_and_shows_nothing() -> None:
    (phone,) = traces(["13800000000"], SECRET)
    assert len(phone) == len("p:") + 6
    assert all(character in "p:0123456789abcdef" for character in phone)


def test_a_weak_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        traces(["李小明"], b"short")


def test_masked_names_are_found_in_a_text() -> None:
    assert masked_names("李先生来到窗口，张某陪同，这位女士在等。") == ["李先生", "张某"]
    (surname,) = traces(["李先生"], SECRET)
    assert surname in traces(["李小明"], SECRET)
