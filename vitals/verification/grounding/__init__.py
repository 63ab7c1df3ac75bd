"""The grounding check: a second reader of finished texts, with a grammar of its own and no code of the renderer."""
