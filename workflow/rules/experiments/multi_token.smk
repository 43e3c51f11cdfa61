"""Numbers of several tokens"""
