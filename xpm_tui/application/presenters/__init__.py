"""Turn records into views, ids into names, and typed text into records."""
