"""The widgets that screens are composed of. Text from records enters them through the safe-text function."""
