"""One layer skipped: gain and harm, chosen on validation prompts."""
