"""The CDNOW purchases every paper uses, where the folder with the shared data is there; in no unit but days."""

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "CDNOW_sample.txt.gz"
CALIBRATED = date(1997, 9, 30)  # the papers fit to purchases up to this day
needs_it = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not beside the project")


def purchases() -> Iterator[tuple[str, date, str]]:
    """(buyer, day, dollars) of each purchase of the sample of 2,357 buyers."""
    with gzip.open(FILE, "rt") as file:
        for line in file:
            _, buyer, day, _, dollars = line.split()
            yield buyer, date.fromisoformat(day), dollars


def write(folder: Path) -> None:
    """The sample as members.csv and purchases.csv, as a shop would hand it in."""
    members: dict[str, date] = {}
    with (folder / "purchases.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["order_id", "line_no", "member_ref", "paid_at", "sku", "quantity", "amount", "kind"])
        for n, (buyer, day, dollars) in enumerate(purchases()):
            # The papers count orders of nothing as purchases; here an order has to cost something (definitions §1).
            amount = dollars if float(dollars) else "0.01"
            rows.writerow([f"C{n}", 1, buyer, f"{day}T12:00:00", "cd", 1, amount, "sale"])
            members[buyer] = min(day, members.get(buyer, day))
    with (folder / "members.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("member_ref", "joined_at"), *members.items()])
