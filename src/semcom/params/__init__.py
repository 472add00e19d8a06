"""The typed schema of params/*.yaml, component options, and what a rule hands to its verb."""
