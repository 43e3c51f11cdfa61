"""Beyond cardinal numbers: months, letters, number words"""
