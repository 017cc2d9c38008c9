"""Card numbers cannot be counted upwards, and a slip of a finger is noticed."""

from models.card import DIGITS, grouped, is_card_number, new_card_number


def test_numbers_are_random_and_check_themselves() -> None:
    numbers = {new_card_number() for _ in range(500)}
    assert len(numbers) == 500
    assert all(is_card_number(each) for each in numbers)
    assert {len(each) for each in numbers} == {DIGITS}
    assert len({int(each) // 10**12 for each in numbers}) > 400


def test_any_one_wrong_digit_and_most_swaps_are_noticed() -> None:
    number = "4539578763621486"
    assert is_card_number(number)
    for at in range(DIGITS):
        for digit in "0123456789":
            slipped = number[:at] + digit + number[at + 1 :]
            assert is_card_number(slipped) == (slipped == number)
    assert not is_card_number("4539578763621468")
    assert not is_card_number("453957876362148")
    assert not is_card_number("٤539578763621486")


def test_printed_in_groups_of_four() -> None:
    assert grouped("4539578763621486") == "4539 5787 6362 1486"
