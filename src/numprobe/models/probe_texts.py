"""Texts on which two readings of one tokenizer must agree."""

#: Numbers, spaces, punctuation, signs, decimals, scripts, code.
PROBES = (
    *("0", "7", "42", "999", " 1998", "007", "1,234", "3.5", "-7", "12345678", "2^10", "10%", "$348", "7th", "x1y22"),
    "12+345=357 in 1998",
    "a  12   345\t6\n\n78 \n 9",
    "  leading and trailing  ",
    "A pack of 12 pens costs 348 cents; it's theirs, I'll say they've 'd.",
    "IT'S LOUD, don't SHOUT!!! (really?) -- [yes] {no} \"quoted\" …",
    "Größe, naïve, œuvre, Ångström; Ещё 15 рублей, πάντα 3 ρεῖ",
    "中文有数字３和三百二十一。日本語のテキスト、1,000円。",
    "العدد ٤٢ والعدد 42؛ हिन्दी में १२३ और 123",
    "😀 emoji 👩‍👩‍👧 and ½ ² Ⅷ ①",
    "def f(x: int) -> int:\n    return x ** 2 + 0x1F  # 12 spaces\n\tif x != 10: pass\r\n",
    '{"key": [1, 22, 333], "url": "https://example.org/?q=42&p=7"}',
)
