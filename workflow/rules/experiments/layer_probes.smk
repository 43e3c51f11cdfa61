"""Every probe layer by layer, with its selectivity"""
