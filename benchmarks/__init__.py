"""How fast it is, against something that does as much or less on the same machine in the same run."""
