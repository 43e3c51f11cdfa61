"""Numbers in running text, by domain, and transfer to and from arithmetic"""
