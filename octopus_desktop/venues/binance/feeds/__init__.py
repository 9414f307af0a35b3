"""What is streamed of one instrument: one class for each channel."""
