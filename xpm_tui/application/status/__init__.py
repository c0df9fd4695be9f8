"""What every header shows: the state of the practice, of all practices, and the calls that are left."""
