"""A person's local day over all kinds in one example, and questions over several of their days."""
