"""What people and operators decide: completions, quarantine, consent, erasure, previews, settings of a tenant."""
