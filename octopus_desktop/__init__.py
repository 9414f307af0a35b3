"""The engine of Octopus Desktop: everything but the screen."""

__version__ = "0.1.0"
