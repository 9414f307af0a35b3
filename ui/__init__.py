"""The screen: everything that is painted or typed into. It talks to the engine through the `Node` port alone."""

from ui.overrides import tell_mistakes

tell_mistakes()  # before any class of the screen is made
