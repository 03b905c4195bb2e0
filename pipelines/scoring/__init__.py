"""Batch scoring: rows in files in, answers in files out, each input row exactly once."""
