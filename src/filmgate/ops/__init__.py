"""Administration of a data folder: backup, restore, doctor."""
