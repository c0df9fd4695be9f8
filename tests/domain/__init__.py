"""The domain: values and rules without input or output."""
