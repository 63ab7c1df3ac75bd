"""Reads finished text: whether every number is a stated fact, and whether a question can be answered from its prompt."""
