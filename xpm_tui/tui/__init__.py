"""The full-screen console. No other package imports Textual."""
