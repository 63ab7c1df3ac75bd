"""Training: claims, narratives and prompts, rendered from clinical facts."""
