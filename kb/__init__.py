"""Ground floor: the library itself.

Cases and their fields, the two database files, revisions, de-identification, vocabularies, the web shell and
the `kb` command. It knows nothing of finding (`search`) or of office files (`ingest`): those floors hang what
they offer on the hooks of `kb.hookspecs`. Alone it is a small, complete, browsable library.
"""

__version__ = "0.1.0"
