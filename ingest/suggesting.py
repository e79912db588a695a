"""What the fields of a draft written by hand may be: the inference that ledgers get, for what is still empty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kb import privacy
from kb.model import Case

from . import inference
from .drafting import evidence

_TEXTS = ("title", "demand", "obstacle", "measure", "result", "followup")
#: What is proposed. The outcome is not: how a case ended is for its writer to say.
FIELDS = ("title", "domain", "nature", "barriers", "handling", "applicant_type", "channel")


def suggest(case: Case, encode: inference.Encode | None = None) -> dict[str, tuple[Any, float]]:
    """Field → (value, confidence) for those of `FIELDS` that are empty in `case` and that its texts tell.

    Texts are redacted first, so that no name gets into a title made from them."""
    clean = privacy.redact({name: getattr(case, name) for name in _TEXTS} | {"matter": case.matter.get("name", "")})
    texts: dict[str, Any] = {name: clean.values[name] for name in _TEXTS}
    told = replace(case, **texts, matter={**case.matter, "name": clean.values["matter"]})
    said = {name: value for name in (*FIELDS, "outcome") if name != "title" and (value := getattr(case, name))}
    guesses = inference.infer(evidence(told, said, {}), encode=encode).guesses
    return {
        name: (guess.value, round(guess.confidence, 2))
        for name, guess in guesses.items()
        if name in FIELDS and not getattr(case, name)
    }
