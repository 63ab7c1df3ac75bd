"""The text of a line with each value linked to its claim."""

from interfaces.desk.linked_text import pieces_of


def claim(name, value, unit="%", decimals=0):
    return {"id": name, "value": value, "unit": unit, "decimals": decimals}


def test_the_pieces_are_the_whole_text():
    text = "Wear 100 %, mean 118 mg/dL at 03:00; 7 unknown."
    pieces = pieces_of(text, [claim("wear", 100.0), claim("mean", 118.2, "mg/dL")])
    assert "".join(piece.text for piece in pieces) == text


def test_values_that_are_written_alike_are_linked_in_the_order_of_their_claims():
    claims = [claim("wear", 100.0), claim("mean", 100.0, "mg/dL"), claim("in range", 100.0)]
    pieces = pieces_of("Wear 100 %, mean 100 mg/dL, 100 % in range.", claims)
    assert [(piece.text, piece.claim) for piece in pieces if piece.claim] == [
        ("100 %", 1),
        ("100 mg/dL", 2),
        ("100 %", 3),
    ]


def test_a_number_without_a_claim_is_not_linked():
    assert [piece.claim for piece in pieces_of("There were 12 of 13.", [claim("n", 13, "count")])] == [0, 1, 0]
