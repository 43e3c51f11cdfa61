"""The operand's state moved to another number: does the answer follow?"""
