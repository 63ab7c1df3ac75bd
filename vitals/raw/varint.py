"""Avro's variable-length zigzag numbers, read and written one at a time.

Belongs here: the two functions, nothing else. The isolated process loads this module: standard library only.
Does not belong here: lengths of whole columns (`exact`).
"""


def read_long(data: bytes, position: int) -> tuple[int, int]:
    """Zigzag varint at a position: its value and the position after it.

    Raises:
        IndexError: the bytes end inside it.
        ValueError: it is longer than 64 bits.
    """
    byte = data[position]
    position += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), position
    value = byte & 0x7F
    shift = 7
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise ValueError("varint longer than 64 bits")
    if value >> 64:
        raise ValueError("varint longer than 64 bits")
    return (value >> 1) ^ -(value & 1), position


def write_long(value: int) -> bytes:
    """Shortest zigzag varint of a 64-bit number."""
    rest = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)
