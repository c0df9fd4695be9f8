"""Dialogs over a screen: questions, forms, trouble, help, palette and files."""
