"""De-identification: the room through which every text passes before it is tokenised, embedded,
indexed, logged or stored.

Give `redact` the fields of a case and, apart, the record's personal columns; it returns the fields
with placeholders, what was removed by kind and field, and what a person should look at.
`redact_text` does the same for one line of text (a query, a log line, a file name). Nothing that
was removed is kept anywhere. Words and surnames lie in the data files of this folder.
"""

from .redaction import Count, Doubt, Redaction, redact, redact_text

__all__ = ["Count", "Doubt", "Redaction", "redact", "redact_text"]
