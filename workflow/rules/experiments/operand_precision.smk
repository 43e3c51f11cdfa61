"""Do models err more on operands that are read badly?"""
