"""The rich menus an account has made: their images, aliases, the default and who is linked to which."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RichMenu:
    """One rich menu; it cannot be changed, and its image is written once."""

    rich_menu_id: str
    content: dict[str, Any]
    image: bytes | None = None
    image_type: str = ""

    def as_json(self) -> dict[str, Any]:
        """As LINE lists it."""
        return {"richMenuId": self.rich_menu_id, **self.content}


@dataclass
class Menus:
    """All rich menus of the account."""

    by_id: dict[str, RichMenu] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    default_id: str | None = None

    def shown_to(self, linked_id: str | None) -> RichMenu | None:
        """A person's own menu, else the default."""
        for menu_id in (linked_id, self.default_id):
            if menu_id in self.by_id:
                return self.by_id[menu_id]
        return None

    def dump(self) -> dict[str, Any]:
        """For the state file."""
        menus = [
            [m.rich_menu_id, m.content, base64.b64encode(m.image).decode() if m.image else None, m.image_type]
            for m in self.by_id.values()
        ]
        return {"menus": menus, "aliases": self.aliases, "default": self.default_id}

    def load(self, kept: dict[str, Any]) -> None:
        """From the state file."""
        for menu_id, content, image, kind in kept.get("menus", []):
            self.by_id[menu_id] = RichMenu(menu_id, content, base64.b64decode(image) if image else None, kind)
        self.aliases = dict(kept.get("aliases", {}))
        self.default_id = kept.get("default")
