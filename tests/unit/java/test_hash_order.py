"""Orders that Java 17's HashSet gave, printed by a program of a few lines."""

from bridge.java.hash_order import hash_order, map_order


def test_texts() -> None:
    first = ["apple", "banana", "cherry", "ž", "😀", "Customer_Email__c", "id", "ssn", "age"]
    then = ["zip", "city", "q1", "q2", "q3", "q4", "q5", "q6"]
    printed = (
        "banana, zip, q1, cherry, q2, q3, q4, q5, city, q6, Customer_Email__c, ssn, apple, 😀, id, ž, age"
    )
    assert hash_order(first, then) == printed.split(", ")


def test_numbers() -> None:
    first, then = [1, 2, 3, 100, 17, 33, 1000, 65536], [5, 16, 536870911, 19, 20, 21, 22, 23]
    printed = [536870911, 1, 33, 65536, 2, 3, 100, 5, 1000, 16, 17, 19, 20, 21, 22, 23]
    assert hash_order(first, then) == printed


def test_the_table_grows() -> None:
    names = [f"field_{number}" for number in range(40)]
    expected = [
        "field_0",
        "field_20",
        "field_3",
        "field_21",
        "field_4",
        "field_22",
        "field_1",
        "field_23",
        "field_2",
    ]
    assert hash_order(names)[:9] == map_order(names)[:9] == expected


def test_repeated_elements_count_once() -> None:
    assert hash_order(["a", "a"], ["a"]) == ["a"]
