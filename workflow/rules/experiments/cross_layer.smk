"""Does the probe of one layer read another?"""
