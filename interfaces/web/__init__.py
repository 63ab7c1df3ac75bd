"""What every HTTP server of the project has at its door: whom it answers, with which headers, and for how long it waits."""
