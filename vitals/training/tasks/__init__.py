"""Tasks beyond the daily summary, for one kind and one local day: questions, data quality, abstention, preferences."""
