"""The full-screen console. Only this package uses Textual."""
