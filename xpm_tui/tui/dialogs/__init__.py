"""Dialogs over a screen: questions, forms, errors, help, palette and files."""
