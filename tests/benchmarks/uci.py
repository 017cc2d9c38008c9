"""Imports a year of a real, dirty web shop: how fast, how big, and is every figure right.

    python run.py bench uci        (or: python -m tests.benchmarks.uci [FILE])

Loads the file, loads it again, loads it into another database while being killed, and compares with a
plain recount of the file that shares no code with the product.
"""

import csv
import gzip
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine, text

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT.parent / "shared" / "data" / "uci_online_retail.csv.gz"
SETTINGS = {"CURRENCY": "GBP", "BUSINESS_TIMEZONE": "Europe/London"}
KILLS = 3
FIGURES = {
    "orders": "SELECT count(*) FROM purchase",
    "lines": "SELECT count(*) FROM purchase_line",
    "customers": "SELECT count(*) FROM member",
    "net_sum": "SELECT sum(net_amount) FROM purchase",
    "qualified_orders": "SELECT count(*) FROM purchase WHERE net_amount > 0",
    "allocations": "SELECT count(*) FROM refund_allocation",
    "allocated": "SELECT coalesce(sum(amount), 0) FROM refund_allocation",
    "refunds_without_sale": "SELECT count(*) FROM purchase_line WHERE kind = 'refund' AND amount + allocated < 0",
}


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    if not file.exists():
        sys.exit(f"{file} is not there: give the path of uci_online_retail.csv.gz")
    with tempfile.TemporaryDirectory(prefix="regulars-uci-") as folder:
        report(measure(file, Path(folder)))


def measure(file: Path, folder: Path) -> dict[str, Any]:
    whole, cut = Database(folder / "whole"), Database(folder / "cut")
    first = whole.load(file)
    after_first = whole.figures()
    second = whole.load(file)
    kills = [cut.load_and_kill(file, share=random.uniform(0.1, 0.9) * first["seconds"]) for _ in range(KILLS)]
    cut.load(file)
    counted = recount(file)
    return {
        "seconds": first["seconds"],
        "peak_megabytes": first["megabytes"],
        "seconds_again": second["seconds"],
        "said": first["said"],
        "figures": after_first,
        "twice_changes_nothing": whole.figures() == after_first,
        "killed_after_lines": kills,
        "killed_ends_the_same": cut.figures() == after_first,
        "recount": counted,
        "equals_recount": {name: after_first[name] == value for name, value in counted.items() if name in FIGURES},
    }


class Database:
    """One database of the bench, reached only through the product's commands, and read with plain SQL."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}.db"
        self.rejected = path.with_suffix(".rejected.csv")
        self._command("migrate")

    def load(self, file: Path) -> dict[str, Any]:
        began = time.monotonic()
        said = self._command("import", "purchases", file, "--map", "uci_online_retail", "--rejected", self.rejected)
        # The largest of all children so far: the import is the only large one.
        kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return {"seconds": round(time.monotonic() - began, 1), "megabytes": kilobytes // 1024, "said": said}

    def load_and_kill(self, file: Path, share: float) -> int:
        """Starts the import and kills it after `share` seconds; returns how many lines were in by then."""
        process = subprocess.Popen(
            self._arguments("import", "purchases", file, "--map", "uci_online_retail", "--rejected", self.rejected),
            env=self._environment(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(share)
        except subprocess.TimeoutExpired:
            psutil.Process(process.pid).kill()
            process.wait()
        return int(self.figures()["lines"])

    def figures(self) -> dict[str, Any]:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found: dict[str, Any] = {name: int(connection.scalar(text(query)) or 0) for name, query in FIGURES.items()}
            nets = connection.execute(text("SELECT order_ref, net_amount, paid_at FROM purchase ORDER BY order_ref"))
            found["digest_of_all_orders"] = hashlib.sha256(repr(list(nets)).encode()).hexdigest()[:12]
        engine.dispose()
        return found

    def _command(self, *arguments: object) -> str:
        run = subprocess.run(
            self._arguments(*arguments), env=self._environment(), cwd=ROOT, capture_output=True, text=True
        )
        if run.returncode:
            sys.exit(run.stderr or run.stdout)
        return run.stdout

    def _arguments(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", "app", *(str(each) for each in arguments)]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **SETTINGS, "DATABASE_URL": self.url}


def recount(file: Path) -> dict[str, int]:
    """The same figures by the rules in words: lines priced above 0, quantity × price rounded half up once."""
    customers: set[str] = set()
    invoices: set[str] = set()
    counts: Counter[str] = Counter()
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            price = Decimal(row["UnitPrice"])
            if price <= 0:
                counts["refused"] += 1
                continue
            counts["lines"] += 1
            invoices.add(row["InvoiceNo"])
            if row["CustomerID"]:
                customers.add(row["CustomerID"])
            pence = price * Decimal(row["Quantity"]) * 100
            counts["net_sum"] += int(pence.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return {**counts, "orders": len(invoices), "customers": len(customers)}


def report(result: dict[str, Any]) -> None:
    print(result["said"])
    print(f"first time {result['seconds']} s, peak {result['peak_megabytes']} MB; again {result['seconds_again']} s")
    for name, value in result["figures"].items():
        counted = result["recount"].get(name)
        print(f"  {name:22} {value:>12}" + (f"   recount {counted:>12}" if counted is not None else ""))
    print(f"loading it twice changes nothing: {result['twice_changes_nothing']}")
    print(f"killed with {result['killed_after_lines']} lines in, then repeated, ends the same: "
          f"{result['killed_ends_the_same']}")  # fmt: skip
    print(json.dumps({name: value for name, value in result.items() if name != "said"}))
    good = result["twice_changes_nothing"] and result["killed_ends_the_same"] and all(result["equals_recount"].values())
    sys.exit(0 if good else "a figure differs: see above")


if __name__ == "__main__":
    main()
