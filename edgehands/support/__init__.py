"""What a person who helps needs to know of a machine: never a picture, never a secret."""
