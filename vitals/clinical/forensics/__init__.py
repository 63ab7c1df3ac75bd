"""Why data are missing: what each export session read, how late sources publish, and what each gap is."""
