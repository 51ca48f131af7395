"""What is OneStory worth, and does an engine do what is said of it? Comparisons and checks."""
