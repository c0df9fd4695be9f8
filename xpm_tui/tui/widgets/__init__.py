"""Small widgets that screens are made of; data enters through the plain-text door."""
