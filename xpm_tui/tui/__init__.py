"""The full-screen console. The only room that knows Textual."""
