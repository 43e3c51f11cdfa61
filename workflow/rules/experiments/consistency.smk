"""Do seeds, layers and models learn the same code?"""
