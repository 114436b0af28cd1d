"""PURE: a QR code as a picture, for the address that stands on a report."""

from __future__ import annotations

import numpy as np
import qrcode

from imaging.formats.png import encode_png

DOTS = 8  # of one module: sharp at any resolution of print


def qr_png(text: str) -> bytes:
    """Return `text` as a PNG of 1 bit, dark on white; the page around it is white as well."""
    code = qrcode.QRCode(border=2, error_correction=qrcode.constants.ERROR_CORRECT_L)
    code.add_data(text)
    dark = np.array(code.get_matrix(), dtype=bool)
    return encode_png(~np.kron(dark, np.ones((DOTS, DOTS), dtype=bool)))
