"""The control plane: requests that reach the control socket, and their answers."""
