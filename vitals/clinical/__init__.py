"""Clinical: facts per person and local day, and what may be stated of them."""
