"""What `edgehands setup` finds out and writes, without a word to anybody."""
