"""What writers of lessons do with a file on the command line: one module for each of the words behind `lesson`."""
