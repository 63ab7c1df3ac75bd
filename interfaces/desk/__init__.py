"""The review desk: pages on which a person decides what waits, with what each decision will change."""
