"""Where things are kept, what the trader set, whom a session talks to, and the secrets it does that with."""
