"""Codes as pictures: a QR and a Code 128 of the same text, as SVG without styles (our pages allow none inline)."""

import re
from io import BytesIO

import segno
import zxingcpp

BARCODE_LONGEST = 40  # beyond this the bars are too thin for a phone's width


def qr(text: str) -> str:
    """A QR code, medium error correction, with the white margin scanners need."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        border=4,
        dark="#000",
        light="#fff",
        svgclass=None,
        lineclass=None,
        omitsize=True,
    )
    return out.getvalue().decode()


def barcode(text: str) -> str | None:
    """A Code 128, for scanners that read no QR; None for what would not fit or has letters it cannot carry."""
    if not text.isascii() or len(text) > BARCODE_LONGEST:
        return None
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    svg: str = zxingcpp.write_barcode_to_svg(made, scale=2, add_hrt=False, add_quiet_zones=True)
    # A viewBox instead of a size, so that the picture fills whatever width the page gives it.
    size = r'width="(\d+)" height="(\d+)" version="1.1"'
    return re.sub(size, r'viewBox="0 0 \1 \2" preserveAspectRatio="none"', svg[svg.index("<svg") :])
