"""What a request log teaches about people: predicted satisfaction."""
