"""Files brought to the console, looked at and loaded by what `flask import` uses; the composition root hands it on."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.checking import Check, check
from api.importing import Importer
from api.mapping import Map, known_maps, load_map, read_map
from models.programme import the_brand
from models.session import Sessions
from models.staff import Staff
from models.upload import Upload

LOOKED_AT = 2_000  # lines before it is asked whether to load
Progress = Callable[[int], None]


def chosen_map(upload: Upload) -> Map:
    """How this file is read. Raises Refusal for a map that is wrong."""
    if upload.map_text:
        return read_map(upload.map_text, name="own")
    return load_map(upload.map, upload.what) if upload.map else Map.model_validate({"reads": upload.what})


def reads_of(map_text: str) -> str:
    """What a map of one's own reads: members, purchases or events. Raises Refusal saying where it is wrong."""
    return read_map(map_text, name="own").reads


def look(sessions: Sessions, upload_id: int, *, language: str, now: datetime) -> Check:
    """What the first lines would be read as. Raises Refusal when the file cannot be read at all."""
    with _kept(sessions, upload_id) as (path, upload):
        return check(sessions, upload.what, path, chosen_map(upload), language=language, limit=LOOKED_AT, now=now)


def load(
    sessions: Sessions, upload_id: int, *, progress: Progress, now: datetime
) -> tuple[dict[str, Any], bytes | None]:
    """Loads it; returns the report and the refused lines. Raises Refusal when it cannot be read at all."""
    with _kept(sessions, upload_id) as (path, upload):
        with sessions.reading() as session:
            brought = select(Staff.language).where(Staff.id == upload.staff_id)
            language = session.scalar(brought) or the_brand(session).default_language
        refused = path.with_suffix(".rejected.csv")
        importer = Importer(
            sessions, upload.what, path, chosen_map(upload), refused, now, language,
            progress=lambda done, _size: progress(done), staff_id=upload.staff_id, name=upload.name,
        )  # fmt: skip
        report = importer.run().as_data()
        report.pop("rejected_file")
        # Spreadsheets take a CSV for UTF-8 only when it begins with a byte order mark.
        return report, refused.read_text("utf-8").encode("utf-8-sig") if refused.exists() else None


@contextmanager
def _kept(sessions: Sessions, upload_id: int) -> Iterator[tuple[Path, Upload]]:
    """The file on this host's disk, for as long as it is read."""
    with sessions.reading() as session:
        upload = session.scalars(select(Upload).where(Upload.id == upload_id)).one()
        body = upload.body or b""
        session.expunge(upload)
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(body)
        yield path, upload


def titles() -> list[tuple[str, str, str]]:
    """The maps that come with the product: name, title, what each reads."""
    return [(each.name, each.title, each.reads) for each in known_maps()]
