"""The case and its flat row hold the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kb.model import Case, from_row, to_row

TEXT = st.text(max_size=30)


@given(
    demand=TEXT,
    barriers=st.lists(TEXT, max_size=3),
    hall=st.fixed_dictionaries({"code": st.text(min_size=1, max_size=6), "name": st.text(min_size=1, max_size=6)}),
    basis=st.lists(st.fixed_dictionaries({"title": TEXT, "valid": st.sampled_from([True, False, None])}), max_size=2),
    days=st.none() | st.integers(0, 400),
)
def test_row_and_back(
    demand: str, barriers: list[str], hall: dict[str, str], basis: list[dict[str, object]], days: int | None
) -> None:
    case = Case(id="a1", demand=demand, barriers=barriers, hall=hall, basis=basis, working_days=days)
    assert from_row(to_row(case)) == case


def test_dict_and_back_ignores_unknown_keys() -> None:
    case = Case(id="a1", title="题目", confidence={"domain": 0.8})
    assert Case.from_dict({**case.to_dict(), "unheard_of": 1}) == case


def test_content_leaves_out_bookkeeping() -> None:
    assert Case(id="a", state="draft", revision=1).content() == Case(id="a", state="published", revision=2).content()
