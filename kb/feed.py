"""What was published, newest first, as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID, uuid5
from xml.etree import ElementTree

from .citation import headline
from .export import printable
from .model import Case

ATOM = "http://www.w3.org/2005/Atom"
TYPE = "application/atom+xml; charset=utf-8"
_EMPTY = "1970-01-01T00:00:00Z"  # `updated` is required of a feed that has no entry too


def atom(
    entries: Sequence[tuple[Case, str, str]], key: str, title: str, author: str, library: UUID, home: str, address: str,
    page: Callable[[Case], str],
) -> bytes:  # fmt: skip
    """The feed of `entries` (case, published and updated as ISO moments).

    Ids are made of the library's own, `key` (what the feed is of) and the case's, so that they outlive host names and
    titles. `home` and `address` are where
    the same list and the feed itself are found, `page` where a case is.
    """
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "zh-CN"})
    _add(feed, "id", uuid5(library, f"feed:{key}").urn)
    _add(feed, "title", title)
    _add(feed, "updated", max((updated for _, _, updated in entries), default=_EMPTY))
    _add(_add(feed, "author"), "name", author)
    _add(feed, "link", rel="self", type="application/atom+xml", href=address)
    _add(feed, "link", rel="alternate", type="text/html", href=home)
    for case, published, updated in entries:
        entry = _add(feed, "entry")
        _add(entry, "id", uuid5(library, f"case:{case.id}").urn)
        _add(entry, "title", headline(case))
        _add(entry, "published", published)
        _add(entry, "updated", updated)
        _add(entry, "link", rel="alternate", type="text/html", href=page(case))
        _add(entry, "summary", _summary(case), type="text")
        for term in dict.fromkeys([*case.barriers, case.domain, case.outcome]):
            if term:
                _add(entry, "category", term=term)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _summary(case: Case) -> str:
    """The obstacle and how it was overcome, in a few lines."""
    parts = [("卡点", case.obstacle or case.demand), ("办法", case.measure), ("结果", case.outcome)]
    return "\n".join(f"{name}：{text[:300]}{'……' if len(text) > 300 else ''}" for name, text in parts if text)


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    found = ElementTree.SubElement(parent, name, {key: printable(value) for key, value in attributes.items()})
    found.text = printable(text) or None
    return found
