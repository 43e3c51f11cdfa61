"""One number code for all models"""
