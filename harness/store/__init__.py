"""Second floor: runs on disk. Pairs are journalled, sealed to Parquet, recovered and read back."""
