"""Dialogs: questions, forms, errors, help, palette and file picker."""
