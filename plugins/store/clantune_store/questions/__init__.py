"""Questions about results: metrics, the best of them, comparisons."""
