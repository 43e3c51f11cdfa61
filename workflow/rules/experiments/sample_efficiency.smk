"""How much data does each probe need?"""
