"""Make ``assets/fonts`` from Inter's OpenType files: the characters that lossviz shows, as TrueType.

Run by hand when the font changes, in an environment with fonttools:
``python assets/make_fonts.py FOLDER_WITH_INTER_OTF_FILES``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

OUTPUT = Path(__file__).resolve().parent / "fonts"
ERROR = 1.0  # in font units, 2816 to the em: far below a pixel at any size on a screen

# Latin with accents (names of people and files), Greek, superscripts and subscripts, and the signs
# of formulas, keys and lists. Everything else would only make the file bigger.
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x1E00, 0x1EFF), (0x2010, 0x2030), (0x2032, 0x2033),
    (0x2039, 0x203A), (0x2070, 0x209C), (0x20AC, 0x20AC), (0x2122, 0x2122), (0x2190, 0x21FF),
    (0x2200, 0x22FF), (0x2300, 0x2328), (0x25A0, 0x25FF), (0x2713, 0x2717),
]  # fmt: skip


def digits_of_one_width(font: TTFont) -> dict[str, str]:
    """What the feature ``tnum`` replaces: glyph -> glyph of the common width."""
    table = font["GSUB"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    mapping: dict[str, str] = {}
    for index in lookups:
        for entry in table.LookupList.Lookup[index].SubTable:
            mapping.update(getattr(entry, "ExtSubTable", entry).mapping)
    return mapping


def character_map(font: TTFont) -> dict[int, str]:
    """Characters to glyphs, with figures of one width: numbers on axes must not dance.

    Pillow and Dear ImGui apply no OpenType features, so the choice is made here.
    """
    wide = digits_of_one_width(font)
    cmap = font.getBestCmap()
    kept = {code for low, high in RANGES for code in range(low, high + 1)} & set(cmap)
    # Of the signs only the figures and what stands between them: the rest keeps its own width.
    of_one_width = {ord(c) for c in "0123456789+−±×.,"}
    return {c: wide.get(cmap[c], cmap[c]) if c in of_one_width else cmap[c] for c in sorted(kept)}


def convert(source: Path, target: Path) -> None:
    """One OpenType file with cubic outlines to one TrueType file with quadratic ones."""
    font = TTFont(source)
    cmap = character_map(font)
    names = [".notdef", *sorted(set(cmap.values()))]
    glyph_set = font.getGlyphSet()
    glyphs, metrics = {}, {}
    for name in names:
        pen = TTGlyphPen(None)
        glyph_set[name].draw(Cu2QuPen(pen, ERROR, reverse_direction=True))
        glyphs[name] = pen.glyph()
        metrics[name] = font["hmtx"][name]
    nabla(font, cmap, glyphs, metrics, names)
    builder = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    edges = {n: (metrics[n][0], glyphs[n].xMin if glyphs[n].numberOfContours else 0) for n in names}
    builder.setupHorizontalMetrics(edges)
    hhea, os2 = font["hhea"], font["OS/2"]
    builder.setupHorizontalHeader(ascent=hhea.ascent, descent=hhea.descent, lineGap=hhea.lineGap)
    builder.setupOS2(
        sTypoAscender=os2.sTypoAscender, sTypoDescender=os2.sTypoDescender,
        sTypoLineGap=os2.sTypoLineGap, usWinAscent=os2.usWinAscent, usWinDescent=os2.usWinDescent,
        usWeightClass=os2.usWeightClass, sxHeight=os2.sxHeight, sCapHeight=os2.sCapHeight,
    )  # fmt: skip
    builder.setupPost()
    builder.font["name"] = font["name"]  # the copyright and the licence stay with the outlines
    builder.font["head"].fontRevision = font["head"].fontRevision
    options = subset.Options(hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=list(cmap))
    subsetter.subset(builder.font)
    builder.font.save(target)
    print(target, target.stat().st_size, "bytes,", len(cmap), "characters")


def nabla(font, cmap, glyphs, metrics, names) -> None:  # type: ignore[no-untyped-def]
    """Inter has no ∇: its Δ on its head."""
    delta = cmap[ord("Δ")]
    height = font["OS/2"].sCapHeight
    pen = TTGlyphPen(None)
    flipped = TransformPen(Cu2QuPen(pen, ERROR), (1, 0, 0, -1, 0, height))
    font.getGlyphSet()[delta].draw(flipped)
    glyphs["nabla"], metrics["nabla"] = pen.glyph(), metrics[delta]
    cmap[ord("∇")] = "nabla"
    names.append("nabla")


if __name__ == "__main__":
    for weight in ("Regular", "SemiBold"):
        convert(Path(sys.argv[1]) / f"Inter-{weight}.otf", OUTPUT / f"Inter-{weight}.ttf")
