"""The reference pages that are generated from the code: ``python -m tools.reference`` writes all of them."""
