"""The code shown at the counter: short-lived, tied to one person, not to be made by anyone else."""

from datetime import UTC, datetime, timedelta

import pytest

from liff.symbols import BARCODE_LONGEST, barcode
from models.codes import make_code, read_code, seconds_left

SECRET = "a-secret-only-tests-know-0123456789"
HALF_MINUTE = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


def test_a_code_names_its_member_for_up_to_a_minute() -> None:
    code = make_code(SECRET, "M23456789ABC", HALF_MINUTE)
    for seconds in (0, 29, 30, 59):
        assert read_code(SECRET, code, HALF_MINUTE + timedelta(seconds=seconds)) == "M23456789ABC"
    for seconds in (-1, 60, 3600):
        with pytest.raises(ValueError, match="expired"):
            read_code(SECRET, code, HALF_MINUTE + timedelta(seconds=seconds))


def test_the_next_code_comes_every_half_minute() -> None:
    codes = {make_code(SECRET, "M1", HALF_MINUTE + timedelta(seconds=second)) for second in range(60)}
    assert len(codes) == 2
    assert seconds_left(HALF_MINUTE + timedelta(seconds=12)) == 18


@pytest.mark.parametrize(
    "code", ["", "R1.", "R1.M1", "R1.M1.AAAAAAAAAA", "R2.M1.X", "https://example.com", "R1.米.碼碼"]
)
def test_what_anyone_can_write_is_not_a_code(code: str) -> None:
    with pytest.raises(ValueError):
        read_code(SECRET, code, HALF_MINUTE)


def test_a_code_of_another_house_or_another_member_is_refused() -> None:
    code = make_code(SECRET, "M1", HALF_MINUTE)
    with pytest.raises(ValueError):
        read_code("another secret of 32 characters…", code, HALF_MINUTE)
    with pytest.raises(ValueError):
        read_code(SECRET, code.replace("M1", "M2"), HALF_MINUTE)


def test_imported_references_make_codes_too() -> None:
    for ref in ("17850", "VIP-001.x", "會員7"):
        assert read_code(SECRET, make_code(SECRET, ref, HALF_MINUTE), HALF_MINUTE) == ref
    assert barcode(make_code(SECRET, "17850", HALF_MINUTE)) is not None
    assert barcode("會員") is None
    assert barcode("x" * (BARCODE_LONGEST + 1)) is None
