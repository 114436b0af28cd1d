"""Makes CjkBold.ttf, once: the common letters of Noto Sans CJK Bold with TrueType outlines.

`python reports/fonts/make_cjk_bold.py NotoSansCJK-Bold.ttc CjkBold.ttf`; the former is
in Debian's fonts-noto-cjk. The PDF library reads no PostScript outlines, and the whole of it is
16 MB: kept are the letters of GB 2312, the first level of Big5, JIS level 1 with kana, and the
Hangul of KS X 1001. Curves move by at most a thousandth of an em.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont, newTable

SETS = {  # codec: first bytes of the rows that are taken
    "gb2312": range(0xA1, 0xF8),
    "big5": range(0xA1, 0xC7),
    "euc_jp": range(0xA1, 0xD0),
    "euc_kr": range(0xA1, 0xC9),
}
DEVIATION = 1.0  # of 1000 units


def common_letters() -> set[int]:
    """Return the code points of SETS, ASCII left out: Noto Sans has it."""
    found: set[int] = set()
    for codec, rows in SETS.items():
        pairs = (bytes((row, cell)) for row in rows for cell in range(0x40, 0xFF))
        found |= {ord(text) for pair in pairs if len(text := pair.decode(codec, "ignore")) == 1}
    return {code for code in found if code >= 0x2E80}


def subset(font: TTFont, letters: Iterable[int]) -> None:
    options = Options(layout_features=[], name_IDs=[0, 1, 2, 3, 4, 6, 13, 14], hinting=False)
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE", "GSUB", "GPOS", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=letters)
    subsetter.subset(font)


def to_truetype(font: TTFont) -> None:
    """Replace the PostScript outlines of `font` by quadratic ones."""
    glyphs, order = font.getGlyphSet(), font.getGlyphOrder()
    drawn = {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, DEVIATION, reverse_direction=True))
        drawn[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, drawn
    font["maxp"].tableVersion = 0x00010000
    for name in ("maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs",
                 "maxInstructionDefs", "maxStackElements", "maxSizeOfInstructions"):  # fmt: skip
        setattr(font["maxp"], name, 1 if name == "maxZones" else 0)
    font["post"].formatType = 3.0
    del font["CFF "]
    font.sfntVersion = "\000\001\000\000"


if __name__ == "__main__":
    source, target = sys.argv[1:]
    made = next(
        one for one in TTCollection(source, lazy=True) if "SC" in one["name"].getDebugName(4)
    )
    subset(made, common_letters())
    to_truetype(made)
    for name_id, text in {1: "MediScan CJK", 3: "MediScan CJK Bold", 4: "MediScan CJK Bold",
                          6: "MediScanCJK-Bold"}.items():  # fmt: skip
        made["name"].setName(text, name_id, 3, 1, 0x409)
    made.save(target)
