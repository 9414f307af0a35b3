"""The few questions that must be answered before anything else."""
