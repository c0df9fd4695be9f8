"""One file per screen; its look is in styles/ under the same name."""
