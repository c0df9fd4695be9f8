"""What would change and why: policy, matching, plan, guard, apply, undo.
Knows disk and wire only as ports."""
