"""Handlers of the actions, by subject: each turns an action into a command or a move of the screen, and stops."""
