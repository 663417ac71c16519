"""Pull requests: crawl them, choose, and mirror each as a bug."""
