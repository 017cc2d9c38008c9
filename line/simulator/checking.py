"""Collects what is wrong with a body: each check adds a problem naming the property, none stops the others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from line.simulator.answers import Problem

URL_LENGTH = 2000
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def utf16(text: str) -> int:
    """LINE's unit of length almost everywhere: UTF-16 code units."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def graphemes(text: str) -> int:
    """Characters as a reader counts them, for labels and menu names: marks, joiners and flags belong to their base."""
    count, joined, flags = 0, False, 0
    for character in text:
        code = ord(character)
        if 0x1F1E6 <= code <= 0x1F1FF:
            flags += 1
            count += flags % 2
            continue
        flags = 0
        extends = unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf") or 0x1F3FB <= code <= 0x1F3FF
        if not extends and not joined:
            count += 1
        joined = code == 0x200D
    return count


class Checker:
    """The problems found so far, and the checks that find them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, where: str, message: str) -> None:
        """One more problem."""
        self.problems.append(Problem(message, where))

    def text(
        self,
        owner: dict[str, Any],
        key: str,
        where: str,
        limit: int,
        *,
        required: bool = True,
        count: Callable[[str], int] = utf16,
        shape: re.Pattern[str] | None = None,
    ) -> None:
        """A string of at most so many characters; a required one may not be empty."""
        value, place = owner.get(key), f"{where}.{key}" if where else key
        if value is None:
            if required:
                self.add(place, "May not be empty")
        elif not isinstance(value, str):
            self.add(place, "Must be a string")
        elif required and not value.strip():
            self.add(place, "May not be empty")
        elif count(value) > limit:
            self.add(place, f"Length must be between 0 and {limit}")
        elif shape is not None and not shape.fullmatch(value):
            self.add(place, "Invalid value")

    def url(self, owner: dict[str, Any], key: str, where: str, *, required: bool = True) -> None:
        """An https address that LINE's apps fetch; on loopback http will do, as there is no certificate for it."""
        self.text(owner, key, where, URL_LENGTH, required=required)
        value = owner.get(key)
        if not isinstance(value, str) or not value:
            return
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            self.add(f"{where}.{key}", "invalid uri scheme")
        elif not value.isascii() or " " in value:
            self.add(f"{where}.{key}", "invalid uri")

    def choice(
        self, owner: dict[str, Any], key: str, where: str, allowed: Collection[Any], *, required: bool = False
    ) -> None:
        """One of a few values."""
        if owner.get(key) is None:
            if required:
                self.add(f"{where}.{key}", "must be specified")
        elif owner[key] not in allowed:
            self.add(f"{where}.{key}", f"must be one of the following values: {sorted(map(str, allowed))}")

    def number(
        self,
        owner: dict[str, Any],
        key: str,
        where: str,
        low: float,
        high: float,
        *,
        required: bool = True,
        whole: bool = True,
    ) -> None:
        """A number within bounds."""
        value, place = owner.get(key), f"{where}.{key}" if where else key
        if value is None and not required:
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not isinstance(value, int)):
            self.add(place, "Must be a number")
        elif not low <= value <= high:
            self.add(place, f"must be between {low} and {high}")

    def truth(self, owner: dict[str, Any], key: str, where: str) -> None:
        """true, false or absent."""
        if owner.get(key) is not None and not isinstance(owner[key], bool):
            self.add(f"{where}.{key}" if where else key, "Must be true or false")

    def objects(
        self, owner: dict[str, Any], key: str, where: str, low: int, high: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """A list of objects of a given size, each with its place."""
        value, place = owner.get(key), f"{where}.{key}" if where else key
        if not isinstance(value, list) or not low <= len(value) <= high:
            self.add(place, f"Size must be between {low} and {high}")
            return []
        found = []
        for index, item in enumerate(value):
            if isinstance(item, dict):
                found.append((f"{place}[{index}]", item))
            else:
                self.add(f"{place}[{index}]", "Must be an object")
        return found

    def child(
        self, owner: dict[str, Any], key: str, where: str, *, required: bool = True
    ) -> tuple[str, dict[str, Any]] | None:
        """A nested object with its place."""
        value, place = owner.get(key), f"{where}.{key}" if where else key
        if value is None and not required:
            return None
        if not isinstance(value, dict):
            self.add(place, "must be specified")
            return None
        return place, value
