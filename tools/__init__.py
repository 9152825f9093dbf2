"""What makes a release: the locked dependencies, their bill of materials, the wheel."""
