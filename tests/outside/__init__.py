"""What an outsider can make of exported files alone."""
