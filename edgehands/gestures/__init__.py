"""What hands show: finger states, static poses, and when a pose has become a gesture."""
