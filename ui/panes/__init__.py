"""What the window is made of; one file per pane."""
