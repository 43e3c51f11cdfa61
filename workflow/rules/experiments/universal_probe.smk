"""One probe for all layers and contexts of a model"""
