"""Models side by side: which one answers, which one answers silently, and which did when."""
