"""Adapts the search to one library: `kb tune` learns from the library's own cases, and from nothing else.

What is learnt: for each dense view a linear map of the question's vector (`adapter`), so that no index has to be
rebuilt, and how the views are weighed (`weights`).  `questions` takes questions out of the cases, `trial` asks them of
a library in which the field that they come from is missing, `others` knows which cases got the same answer, `learning`
fits and cross-checks, `store` keeps the result in ``DATA/index/tuning`` and gives it to the search.  A part is switched
on only if it demonstrably finds more of the cases that it has not learnt from.
"""

from __future__ import annotations

from .store import Tuning, checks, load

__all__ = ["Tuning", "checks", "load"]
