"""Painted and small widgets that several panes share."""
