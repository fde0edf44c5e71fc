"""The TFLite runtimes: interpreters, delegates, and the trial of a model in a child process."""
