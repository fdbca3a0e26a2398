"""The compose stack on a real engine, and what its files promise."""
