"""USB cameras and others of the Linux kernel, through V4L2 without a library."""
