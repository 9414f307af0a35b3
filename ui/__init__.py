"""The screen: everything that is painted or typed into. It talks to the engine through the `Node` port alone."""
