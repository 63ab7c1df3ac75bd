"""The rows that callers give to the catalog and get from it, a module for each thing they are about.

Belongs here: frozen values, closed vocabularies. `polars.DataFrame(rows)` works on any list of them.
Does not belong here: tables (`catalog_models`), queries.
"""
