"""Validated: rules, quality score, revisions and zone evidence of records."""
