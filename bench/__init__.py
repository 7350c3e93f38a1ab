"""Benchmarks: ratios within one run, since machines are shared and noisy. ``make bench`` runs them."""
