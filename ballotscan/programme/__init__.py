"""Survey programmes as data: whom an office asks, on which channels, when, and what it must publish."""
