"""From both sides and what they agreed on to changes: rules, comparing, the plan, the guard. Pure."""
