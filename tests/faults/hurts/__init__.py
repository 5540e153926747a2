"""What is done to the stack, a function a row of the table."""
