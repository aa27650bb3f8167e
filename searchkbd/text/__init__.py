"""What a string is before any model sees it: its forms, its repair, its language."""
