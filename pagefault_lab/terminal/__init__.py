"""Keys in, screen out: the prompt, and scripts that run through the same loop without one."""
