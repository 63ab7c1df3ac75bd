"""Devices of a source app: the type of each in a closed set, and what tells two of them apart.

Belongs here: reading the device fields of validated records.
Does not belong here: which device is believed (`sources`), or what a text calls one.

An app may write records of several devices (a watch and the phone it is paired with). Manufacturer and model are free
text of an upload: they only tell devices apart and never leave clinical; what is handed on is the type.
"""

import polars as pl

UNKNOWN = "UNKNOWN"
PHONE = "PHONE"

DEVICE_TYPES = (
    UNKNOWN,
    "WATCH",
    PHONE,
    "SCALE",
    "RING",
    "HEAD_MOUNTED",
    "FITNESS_BAND",
    "CHEST_STRAP",
    "SMART_DISPLAY",
    "CONSUMER_MEDICAL_DEVICE",
    "GLASSES",
    "HEARABLE",
    "FITNESS_MACHINE",
    "FITNESS_EQUIPMENT",
    "PORTABLE_COMPUTER",
    "METER",
)
"""Types of device that Health Connect knows (`androidx.health.connect.client.records.metadata.Device`)."""

_BETWEEN = "\x1f"


def device_type() -> pl.Expr:
    """Return a record's device type as a member of DEVICE_TYPES; never null, and no text of an upload."""
    written = pl.col("device_type").str.strip_chars().str.to_uppercase().str.strip_prefix("TYPE_")
    return pl.when(written.is_in(DEVICE_TYPES)).then(written).otherwise(pl.lit(UNKNOWN)).alias("device_type")


def device_identity() -> pl.Expr:
    """Return what tells the devices of one app apart: type, manufacturer and model, whatever case they are written in.

    Records that say nothing of their device are of one device. So are those of two devices of one model: nothing tells
    them apart.
    """
    texts = (pl.col(name).fill_null("").str.strip_chars() for name in ("device_manufacturer", "device_model"))
    return pl.concat_str(device_type(), *(text.str.to_lowercase() for text in texts), separator=_BETWEEN).alias(
        "device"
    )
