"""Codes to print: a QR as a picture for the page, and as files a print shop takes."""

from io import BytesIO

import segno

BORDER = 4  # the white margin scanners need, in modules
DOTS = 20  # pixels a module of the PNG: a poster is printed from it


def svg(text: str) -> str:
    """For the page: scales with its box, no size of its own, no inline style."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, border=BORDER, dark="#000", light="#fff", svgclass=None, lineclass=None,
        omitsize=True,
    )  # fmt: skip
    return out.getvalue().decode()


def file(text: str, kind: str) -> bytes:
    """`kind`: svg or png."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind=kind, border=BORDER, scale=DOTS)
    return out.getvalue()
