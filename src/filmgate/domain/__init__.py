"""The words of the field and the rules between them. Imports nothing of ours from outside this package."""
