"""What things cost: ratios of our processes to a named baseline, measured in one run."""
