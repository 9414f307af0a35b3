"""One folder for each dialect that venues speak."""
