"""Boxes over a screen: questions, forms, trouble, help, palette, files; how an act speaks."""
