"""Who may be who: names taken apart, scored and proposed; the picker's search; duplicates. Pure."""
