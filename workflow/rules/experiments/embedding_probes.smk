"""Every probe on the input and output embeddings, and the numbers that none of them reads"""
