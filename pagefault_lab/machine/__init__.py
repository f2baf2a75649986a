"""What the silicon does. It knows no text, no screen and no lesson."""
