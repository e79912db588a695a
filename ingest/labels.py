"""Names of files, sheets and columns without personal data: people write names and numbers there too, and a
row taken for a header puts a whole record into the column names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from kb import privacy
from kb.privacy.known import read_known

from .records import PERSONAL_FIELDS, Place, Problem, Record

_QUOTED = re.compile(r"([“「])([^“”「」]*)([”」])")


class Labels:
    """Cleans the labels of one file. `records`: their personal columns say whom to look for."""

    def __init__(self, records: Iterable[Record]) -> None:
        columns = {
            f"{name}{number}": text
            for number, record in enumerate(records)
            for name, text in record.values.items()
            if name in PERSONAL_FIELDS
        }
        self._persons = read_known(columns).persons
        self._done: dict[str, str] = {}

    def clean(self, label: str) -> str:
        """The label with placeholders for what is personal."""
        if label not in self._done:
            named = [person for person in self._persons if person in label]
            redaction = privacy.redact({"demand": label}, {"applicant": "、".join(named)})
            self._done[label] = redaction.values["demand"]
        return self._done[label]

    def keys(self, texts: Mapping[str, str]) -> dict[str, str]:
        """The mapping with clean keys; texts whose keys have become the same are joined."""
        joined: dict[str, str] = {}
        for label, text in texts.items():
            key = self.clean(label)
            joined[key] = f"{joined[key]}\n{text}" if joined.get(key) else text
        return joined

    def columns(self, understood: Mapping[str, str | None]) -> dict[str, str | None]:
        """Column → field with clean columns."""
        cleaned: dict[str, str | None] = {}
        for label, field in understood.items():
            cleaned[self.clean(label)] = cleaned.get(self.clean(label)) or field
        return cleaned

    def place(self, place: Place) -> Place:
        """The place with a clean file and sheet."""
        return replace(place, file=self.clean(place.file), sheet=self.clean(place.sheet))

    def problem(self, problem: Problem) -> Problem:
        """The problem with a clean sheet, and clean words where its message quotes the file."""
        message = _QUOTED.sub(lambda quoted: quoted[1] + self.clean(quoted[2]) + quoted[3], problem.message)
        return replace(problem, sheet=self.clean(problem.sheet), message=message)
