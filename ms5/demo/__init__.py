"""The demo: every process of MS5, its Redis and its controllers under one supervisor."""
