"""Make ``assets/fonts`` from Inter's OpenType files: the characters that lossviz shows.

Run by hand when the font changes, in an environment with fonttools:
``python assets/make_fonts.py FOLDER_WITH_INTER_OTF_FILES``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

OUTPUT = Path(__file__).resolve().parent / "fonts"

# Latin with accents (names of people and files), Greek, superscripts and subscripts, and the signs
# of formulas, keys and lists. Everything else would only make the file bigger.
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x2010, 0x2030), (0x2032, 0x2033),
    (0x2039, 0x203A), (0x2070, 0x209C), (0x20AC, 0x20AC), (0x2122, 0x2122), (0x2190, 0x21FF),
    (0x2200, 0x22FF), (0x2300, 0x2328), (0x25A0, 0x25FF), (0x2713, 0x2717),
]  # fmt: skip
OF_ONE_WIDTH = {ord(character) for character in "0123456789+−±×.,"}


def single_substitutions(font: TTFont, feature: str) -> dict[str, str]:
    """What a feature puts in the place of what: glyph -> glyph."""
    table = font["GSUB"].table
    records = table.FeatureList.FeatureRecord
    lookups = {i for r in records if r.FeatureTag == feature for i in r.Feature.LookupListIndex}
    mapping: dict[str, str] = {}
    for index in lookups:
        for entry in table.LookupList.Lookup[index].SubTable:
            mapping.update(getattr(entry, "ExtSubTable", entry).mapping)
    return mapping


def make(source: Path, target: Path) -> None:
    """Figures of one width, then the subset.

    Numbers on axes must not dance, and neither Pillow without Raqm nor Dear ImGui applies OpenType
    features: so the figures of one width take the places of the others.
    """
    font = TTFont(source)
    wide = single_substitutions(font, "tnum")
    for table in font["cmap"].tables:
        for code in OF_ONE_WIDTH & set(table.cmap):
            table.cmap[code] = wide.get(table.cmap[code], table.cmap[code])
    options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp"], name_IDs=["*"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[c for low, high in RANGES for c in range(low, high + 1)])
    subsetter.subset(font)
    font.save(target)
    print(target, target.stat().st_size, "bytes,", len(font.getBestCmap()), "characters")


if __name__ == "__main__":
    for weight in ("Regular", "SemiBold"):
        make(Path(sys.argv[1]) / f"Inter-{weight}.otf", OUTPUT / f"Inter-{weight}.otf")
