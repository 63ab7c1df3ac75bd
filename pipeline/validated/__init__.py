"""Validated: uploads of one record type and landing day become records, and every row is accounted for."""
