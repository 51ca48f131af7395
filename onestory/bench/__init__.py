"""What is OneStory worth? Comparisons on stories whose truth is known."""
