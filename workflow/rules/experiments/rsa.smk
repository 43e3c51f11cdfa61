"""Are the number spaces of different models alike? Representational similarity with nulls"""
