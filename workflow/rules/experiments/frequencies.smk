"""Which waves do embeddings and hidden states hold, and do models share them?"""
