"""The vocabulary: what every room of the house talks in. It imports nothing of the project."""
