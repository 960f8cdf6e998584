"""Tests of outages and maintenance."""
