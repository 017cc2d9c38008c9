"""Where to send a browser next, never outside the console."""

from urllib.parse import urlsplit

from flask import request, url_for


def inside(target: str | None) -> str | None:
    """`target` as a path of the console; None when it leads anywhere else."""
    parts = urlsplit(target or "")
    if parts.scheme or parts.netloc or not parts.path.startswith("/console/") or "\\" in (target or ""):
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


def came_from_us() -> bool:
    """Whether the browser says that a console page led here (our pages send a same-origin Referer)."""
    return _referring_path() is not None


def back() -> str:
    """The page the person was on."""
    return _referring_path() or url_for("console.shell.home")


def _referring_path() -> str | None:
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host:
        return None
    return inside(parts.path + (f"?{parts.query}" if parts.query else ""))
