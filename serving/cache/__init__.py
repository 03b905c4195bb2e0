"""Answers that were given before: in this process, then in Redis."""
