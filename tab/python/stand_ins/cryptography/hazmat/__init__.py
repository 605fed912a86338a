"""What is below the recipes."""
