"""Office Open XML packages whose bytes do not depend on when they were made."""

from __future__ import annotations

import io
import re
import zipfile

STAMP = b"2026-01-01T00:00:00Z"


def frozen(package: bytes) -> bytes:
    """The package with its time stamps fixed and its members in a fixed order."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(out, "w") as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(W3CDTF\">)[^<]*", rb"\g<1>" + STAMP, data)
            target.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
