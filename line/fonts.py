"""Finds a font on this machine that can write a language; a label nobody can write is written in English instead."""

import importlib.util
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# File name (without weight) and face number, best first; a collection holds one face per region.
CANDIDATES: dict[str, tuple[tuple[str, int], ...]] = {
    "zh-Hant": (
        ("NotoSansCJK-Medium", 3), ("NotoSansCJK-Bold", 3), ("NotoSansTC-Medium", 0), ("NotoSansTC-Regular", 0),
        ("NotoSansCJK-Regular", 3), ("PingFang", 0), ("msjh", 0), ("wqy-microhei", 0), ("ipaexg", 0),
    ),
    "ja": (
        ("NotoSansCJK-Medium", 0), ("NotoSansCJK-Bold", 0), ("NotoSansJP-Medium", 0), ("NotoSansCJK-Regular", 0),
        ("ヒラギノ角ゴシック W5", 0), ("YuGothM", 0), ("meiryo", 0), ("ipaexg", 0),
    ),
    "th": (
        ("NotoSansThai-Medium", 0), ("NotoSansThai-Regular", 0), ("NotoSansThaiLooped-Regular", 0),
        ("Sarabun-Medium", 0), ("Thonburi", 0), ("Loma-Bold", 0), ("Laksaman-Bold", 0), ("Waree-Bold", 0),
        ("leelawui", 0), ("tahoma", 0),
    ),
    "en": (
        ("Inter-Medium", 0), ("NotoSans-Medium", 0), ("NotoSansCJK-Medium", 0), ("NotoSansCJK-Bold", 0),
        ("HelveticaNeue", 0), ("segoeui", 0), ("NotoSans-Regular", 0), ("DejaVuSans", 0), ("ipaexg", 0),
    ),
}  # fmt: skip
NOWHERE = "\U0010fffe"  # no font has it: what is drawn for it is the font's empty box


def font_for(language: str, words: str, size: int) -> Font | None:
    """A font that has every letter of `words`; None when this machine has none."""
    for name, face in CANDIDATES.get(language, CANDIDATES["en"]):
        path = _files().get(name.lower())
        font = _opened(path, face, size) if path else None
        if font is not None and _writes(font, words):
            return font
    return None


def plain_font(size: int) -> Font:
    """What Pillow brings itself; writes English."""
    return ImageFont.load_default(size)


@lru_cache
def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in _paths():
        found.setdefault(path.stem.lower(), path)
    return found


def _paths() -> Iterator[Path]:
    package = importlib.util.find_spec("matplotlib_fontja")
    own = [Path(package.origin).parent / "fonts"] if package and package.origin else []
    for folder in (*(Path(os.path.expanduser(each)) for each in FOLDERS), *own):
        if folder.is_dir():
            yield from (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in {".ttf", ".ttc", ".otf"})


def _opened(path: Path, face: int, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(str(path), size, index=face)
    except OSError:
        return None


def _writes(font: ImageFont.FreeTypeFont, words: str) -> bool:
    """Whether no letter comes out as the font's empty box."""
    box = font.getmask(NOWHERE)
    missing = (box.size, bytes(box))
    return all((mask.size, bytes(mask)) != missing for letter in set(words) - {" "} if (mask := font.getmask(letter)))
