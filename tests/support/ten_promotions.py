"""The ten promotions of docs/promotions on top of the Taiwan programme, as a marketer would put them there."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PRESET = ROOT / "domain" / "presets" / "taiwan.yaml"
TEN = ROOT / "docs" / "promotions" / "ten.yaml"


def with_the_ten() -> dict[str, Any]:
    """The whole programme: each section of the preset with the ten's entries at its end."""
    whole = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    for section, added in yaml.safe_load(TEN.read_text(encoding="utf-8")).items():
        if section == "brand":
            whole["brand"]["wording"] |= added["wording"]
        else:
            whole[section] = [*whole.get(section, []), *added]
    return dict(whole)
