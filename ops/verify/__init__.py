"""The proof from the log alone: each requested send has exactly one end, no cap was exceeded."""
