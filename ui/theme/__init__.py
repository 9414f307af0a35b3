"""How the program looks: colour tokens, fonts, style sheet, icons, and how numbers are written."""
