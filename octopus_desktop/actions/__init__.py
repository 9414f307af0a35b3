"""What can be done in the terminal: each action declared once, with its keys; no Qt here."""
