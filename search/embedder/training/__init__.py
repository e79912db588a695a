"""What the packaged embedding model was trained with: text, recipe, batches and loss (see README.md)."""
