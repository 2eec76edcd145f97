"""The stack: which processes it has, their variables, files and status, starting and stopping them."""
