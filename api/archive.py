"""A whole export as one zip file, sent while it is being made: no request waits for all of it, no copy stays."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from api.exporting import Exporter
from models.session import Sessions

AT_ONCE = 1 << 20


class _Sink:
    """Where the zip is written to, and taken from before the next piece is written."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def taken(self) -> bytes:
        data, self._waiting = bytes(self._waiting), bytearray()
        return data


def zipped_export(sessions: Sessions) -> Iterator[bytes]:
    """The files `flask export` writes, zipped piece by piece."""
    sink = _Sink()
    with tempfile.TemporaryDirectory(prefix="export-") as kept, sessions.reading() as session:
        folder = Path(kept)
        with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
            for name, _ in Exporter(session, folder).each():
                yield from _add(archive, folder / name, name, sink)
        yield sink.taken()


def _add(archive: ZipFile, path: Path, name: str, sink: _Sink) -> Iterator[bytes]:
    """One file into the archive; what is on disk goes as soon as it is in."""
    entry = ZipInfo.from_file(path, name)
    entry.compress_type = ZIP_DEFLATED
    with path.open("rb") as file, archive.open(entry, "w", force_zip64=True) as into:
        while block := file.read(AT_ONCE):
            into.write(block)
            yield sink.taken()
    path.unlink()
