"""Parts of jobs that are imported only when they run, for what they need."""
