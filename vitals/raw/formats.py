"""What a file is that is no Avro object container, told from its first bytes.

Belongs here: signatures of what uploaders send in its place, and what they should do instead.
Does not belong here: reading any of these, or a container (`container`). Nothing of the file is repeated.
"""

from typing import Final

_PACKED = "unpack it, and upload the Avro file itself"
_WRITE = "write the records with an Avro file writer (an object container file)"

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x1f\x8b", f"the file is packed with gzip: {_PACKED}"),
    (b"PK\x03\x04", f"the file is a zip archive: {_PACKED}"),
    (b"PK\x05\x06", "the file is an empty zip archive"),
    (b"BZh", f"the file is packed with bzip2: {_PACKED}"),
    (b"\xfd7zXZ\x00", f"the file is packed with xz: {_PACKED}"),
    (b"\x28\xb5\x2f\xfd", f"the file is packed with zstandard: {_PACKED}"),
    (b"\x04\x22\x4d\x18", f"the file is packed with lz4: {_PACKED}"),
    (b"7z\xbc\xaf\x27\x1c", f"the file is a 7-Zip archive: {_PACKED}"),
    (b"\xff\x06\x00\x00sNaPpY", f"the file is packed with snappy: {_PACKED}"),
    (b"PAR1", f"the file is Parquet, not Avro: {_WRITE}"),
    (b"PARE", f"the file is encrypted Parquet, not Avro: {_WRITE}"),
    (b"ORC", f"the file is ORC, not Avro: {_WRITE}"),
    (b"ARROW1", f"the file is Arrow, not Avro: {_WRITE}"),
    (b"SQLite format 3\x00", f"the file is a SQLite database, not Avro: {_WRITE}"),
    (b"\x89HDF", f"the file is HDF5, not Avro: {_WRITE}"),
    (b"%PDF", "the file is a PDF document, not Avro"),
    (b"\xc3\x01", f"the file is one record in Avro's single-object encoding, which carries no schema: {_WRITE}"),
    (b"T2Jq", "the file is Base64 text of an Avro file: decode it before the upload"),
    (b"Obj\x00", "the file is of an Avro version before 1.3: write it with a newer one"),
    (b"Obj", "the file begins like an Avro container, but its fourth byte is wrong: it was changed on its way"),
)
_REGISTRY = (
    "the file is a message of a schema registry (the number of a schema stands before the record, as in Kafka), which"
    f" carries no schema: {_WRITE}, as the registry's connectors for files do"
)
_ZERO_BYTES: Final = 16
_TEXT_BYTES: Final = 512
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def other_format(data: bytes) -> str:
    """What a file is that does not begin like an object container, and what to do instead; never its content.

    Args:
        data: the file, at least one byte.
    """
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            return what
    if _is_registry_message(data):
        return _REGISTRY
    if not any(data[:_ZERO_BYTES]):
        return "the file begins with zero bytes only: it was damaged, or never written to its end"
    return _text(data) or "the file does not start like an Avro object container"


def _is_registry_message(data: bytes) -> bool:
    """Whether a file begins with a zero byte and a number of 4 or 8 bytes, or as AWS Glue's messages do."""
    if data[0] == 3 and data[1:2] in (b"\x00", b"\x05"):
        return len(data) > 18
    # Numbers of schemas count up from 1, so that their high bytes are zero.
    return data[0] == 0 and len(data) > 9 and data[1] == 0 and any(data[2:9])


def _text(data: bytes) -> str | None:
    """What sort of text the file is; None if it is none."""
    head = data[:_TEXT_BYTES]
    for mark in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            head = head.removeprefix(mark).replace(b"\x00", b"")
    # A character may be cut at the end.
    text = head.decode("utf-8", "ignore").strip()
    if not text or b"\x00" in head or len(text.encode()) < len(head.strip()) - 3 or not _is_printable(text):
        return None
    if text[0] in "{[":
        return f"the file is JSON text, not Avro's binary encoding: {_WRITE}"
    if text[0] == "<":
        return "the file is XML or HTML text (as an error page of a server is), not Avro"
    first = text.split("\n", 1)[0]
    if any(first.count(separator) for separator in ",;\t"):
        return f"the file is text with separated columns (CSV), not Avro: {_WRITE}"
    return f"the file is text, not Avro: {_WRITE}"


def _is_printable(text: str) -> bool:
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text)
