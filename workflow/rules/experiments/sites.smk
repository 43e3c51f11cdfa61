"""Where inside a layer is the number?"""
