"""One file per screen; its stylesheet is in styles/ under the same name."""
