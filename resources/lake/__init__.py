"""The lake: objects and Delta tables under one root per tenant."""
