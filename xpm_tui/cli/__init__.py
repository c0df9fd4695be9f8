"""The headless side: verbs made from the acts, as text or JSON."""
