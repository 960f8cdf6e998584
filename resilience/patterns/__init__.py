"""Resilience patterns that stand alone: the standard library, and nothing else."""
